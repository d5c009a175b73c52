from .adapters.core.adapted import AdaptedSam as AdaptedSam, attach as attach
from .adapters.core.base import (
    Adapter as Adapter,
    SerialSettings as SerialSettings,
    Settings as Settings,
)
from .adapters.core.registry import adapter_names as adapter_names
from .adapters.sam.build import build_sam as build_sam
from .adapters.sam.find import backbone_names as backbone_names
from .errors import UnsupportedError as UnsupportedError, UserError as UserError
from .harness.data.dataset import DataSet as DataSet
from .harness.data.reading import Reading as Reading
from .harness.data.summary import Summary as Summary, summarise as summarise
from .harness.device.cards import (
    COMMON_CARDS as COMMON_CARDS,
    Card as Card,
    find_card as find_card,
    unnamed_card as unnamed_card,
)
from .harness.miniature.dataset import open_data as open_data
from .harness.predict.answers import (
    Blame as Blame,
    Difference as Difference,
    MethodFit as MethodFit,
    Unsupported as Unsupported,
)
from .harness.predict.catalogue import catalogue as catalogue
from .harness.program.figures import ProgramReport as ProgramReport
from .harness.record.cell import Cell as Cell
from .harness.record.changes import compare as compare
from .harness.record.recipe import Recipe as Recipe
from .harness.record.record import Record as Record
from .harness.record.store import Store as Store
from .harness.report.write import report as report
from .harness.run.fit import fit as fit, fit_methods as fit_methods
from .harness.run.function import rehearse as rehearse
from .harness.run.measure import measure as measure
from .harness.run.predict import (
    blame as blame,
    predict as predict,
    why_not_rehearsed as why_not_rehearsed,
)
from .harness.run.program import run_program as run_program
from .harness.run.published import compare_published as compare_published
from .harness.run.sweep import sweep as sweep
from .harness.run.task import TIME_LIMIT_S as TIME_LIMIT_S, Task as Task
from .harness.run.trace_validation import validate_trace as validate_trace
from .harness.run.validation import validate as validate
from .harness.train.evaluate import Evaluation as Evaluation, evaluate as evaluate
from .harness.train.leaving import Written as Written, export as export, merge as merge
from .harness.train.prompts import Asked as Asked, read_prompts as read_prompts
from .harness.train.run import Run as Run
from .harness.train.segment import Output as Output, segment as segment
from .harness.train.train import train as train
from .progress import Progress as Progress

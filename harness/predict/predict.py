"""Predict a Cell's memory without a GPU, by the best instrument that this process has."""

import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timezone

from samfit.adapters.sam.build import build_sam
from samfit.harness.predict.answers import Blame
from samfit.harness.predict.found import Found
from samfit.harness.predict.rehearsed import rehearsed
from samfit.harness.predict.traced import traced
from samfit.harness.record.cell import Cell
from samfit.harness.record.environment import environment
from samfit.harness.record.record import Compute, Record
from samfit.harness.record.weights import checkpoint_file
from samfit.harness.rehearse.rehearsal import can_rehearse
from samfit.harness.step.step import WITHOUT_DATA, describe_step


def predict(cell: Cell) -> Record:
    """Predict the memory of one step of ``cell``; see ``examine``."""
    return examine(cell).record


def trace(cell: Cell) -> Record:
    """Predict by a trace, to be compared with a rehearsal; see ``examine``."""
    return replace(_examined(cell, traced).record, source="traced")


def examine(cell: Cell) -> Blame:
    """Predict one step of ``cell``, and tell which modules hold its memory at the peak.

    It is rehearsed, if this process stands on ``harness/standin`` and the Cell is for CUDA; else it
    is traced. Weights and data change no size: there are none.

    Raises:
        UserError: for a Cell that cannot be built.
    """
    rehearses = can_rehearse() and cell.device == "cuda"
    return _examined(cell, rehearsed if rehearses else traced)


def _examined(cell: Cell, instrument: Callable[[Cell], Found]) -> Blame:
    check_checkpoint(cell)
    started, clock = datetime.now(timezone.utc), time.perf_counter()
    found = instrument(cell)
    compute = None
    if found.flops is not None:
        compute = Compute(flops_per_image=found.flops // cell.batch_size)
    record = Record(
        cell=cell,
        status="oom" if found.exhausted else "ok",
        message=found.problem,
        source="predicted",
        traced=describe_step(cell),
        assumption=found.description.assumption,
        method=found.description.method,
        params=found.description.params,
        memory=found.memory,
        oom=found.exhausted,
        compute=compute,
        environment=environment(cell),
        started=started.isoformat(timespec="seconds"),
        duration_ms=1000 * (time.perf_counter() - clock),
    )
    return Blame(record, found.holders)


def check_checkpoint(cell: Cell) -> None:
    """Load the file of ``cell``, if it has one, into a SAM without memory, for what loading would
    say: its weights change no size, but a wrong file should not pass unnoticed.

    Raises:
        UserError: if it cannot be used.
    """
    if cell.checkpoint:
        with WITHOUT_DATA, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch remarks that nothing is copied
            build_sam(cell.backbone, cell.image_size, checkpoint_file(cell.checkpoint))

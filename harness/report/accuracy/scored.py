"""Which scored records a report compares, and what each method scores."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import mean, median
from typing import Any

from samfit.harness.metrics import main_metric
from samfit.harness.miniature.tasks import TASKS
from samfit.harness.record.cell import Cell
from samfit.harness.record.record import Accuracy, Record
from samfit.harness.record.weights import MINIATURE, RANDOM_ENCODER
from samfit.harness.report.kit.select import Series, has_memory, is_scored, machine_of, series_of

PRETRAINED, RANDOM = "without adaptation", "decoder only, random encoder"
BASELINES = (PRETRAINED, RANDOM)
# What tells a Cell that is trained on a task from the training step that is predicted.
UNTRAINED: dict[str, Any] = {
    "loss": "cad", "device": "cuda", "compute_capability": "8.0", "seed": 0, "checkpoint": None,
    "task": "", "recipe": None,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class ScoredMethod:
    """One method, or one baseline.

    Attributes:
        series: its records, of several tasks and seeds.
        prediction: of the very step by which it was trained, whose memory it has; None if unknown.
    """

    series: Series
    prediction: Record | None = None

    def scores(self, tasks: Sequence[str], metric: str | None = None) -> list[float]:
        """Of each seed that has been run on all of ``tasks``, its mean score over them.

        Without a metric it is the task's main one.
        """
        by_seed: dict[int, dict[str, float]] = {}
        for record in self.series.records:
            scores, chosen = accuracy_of(record).scores, metric or _metric_of(record)
            if record.cell.task in tasks and chosen in scores:
                found = by_seed.setdefault(record.cell.seed, {})
                found[record.cell.task] = scores[chosen][0]
        complete = (found for _, found in sorted(by_seed.items()) if len(found) == len(tasks))
        return [mean(found.values()) for found in complete]

    def train_s(self) -> float:
        """Seconds that a training took: the median over seeds and tasks."""
        return median(accuracy_of(record).train_ms / 1000 for record in self.series.records)

    def record_of(self, task: str, seed: int) -> Record | None:
        """The last record of this task and seed."""
        found = {(r.cell.task, r.cell.seed): r for r in self.series.records}
        return found.get((task, seed))


@dataclass(frozen=True, kw_only=True)
class ScoredMethods:
    """Methods that were trained alike, on one machine.

    Attributes:
        tasks: those on which a method was scored, in the order of ``TASKS``.
        methods: the best mean over all tasks first; those that lack a task come last.
        baselines: the pretrained model as it is, and the decoder trained on an encoder with random
            weights, as far as they are there.
        failed: records without a score.
    """

    tasks: tuple[str, ...]
    methods: tuple[ScoredMethod, ...]
    baselines: tuple[ScoredMethod, ...]
    failed: tuple[Record, ...]

    @property
    def trained(self) -> list[Record]:
        """The records of all methods."""
        return [record for one in self.methods for record in one.series.records]

    @property
    def seeds(self) -> list[int]:
        """All that a method was trained with, the smallest first."""
        return sorted({record.cell.seed for record in self.trained})


def scored_methods(records: Sequence[Record]) -> ScoredMethods | None:
    """The methods of the largest group of ``records`` that compare with each other.

    Records compare if they come from one machine, start from the same weights, and follow one
    recipe. Tasks that this samfit does not know are left out. None if no method has a score.
    """
    group = _largest_group(records)
    scored = [record for record in group if _has_score(record)]
    trained = [record for record in scored if _baseline(record.cell) is None]
    if not trained:
        return None
    known = {record.cell.task for record in trained}
    tasks, methods = tuple(task for task in TASKS if task in known), _methods(trained, records)
    by_label = {label: [r for r in scored if _baseline(r.cell) == label] for label in BASELINES}
    baselines = [_named(label, found) for label, found in by_label.items() if found]
    return ScoredMethods(
        tasks=tasks,
        methods=tuple(sorted(methods, key=lambda one: _rank(one, tasks), reverse=True)),
        baselines=tuple(baselines),
        failed=tuple(record for record in group if not _has_score(record)),
    )


def training_step(cell: Cell) -> Cell:
    """The step by which a scored Cell trains, as its memory is predicted: of one class."""
    settings = {name: value for name, value in cell.settings.items() if name != "classes"}
    return replace(cell, settings=settings, **UNTRAINED)


def accuracy_of(record: Record) -> Accuracy:
    """What a scored record holds."""
    assert record.accuracy is not None
    return record.accuracy


def _metric_of(record: Record) -> str:
    return main_metric(accuracy_of(record).classes)


def _has_score(record: Record) -> bool:
    is_complete = record.status == "ok" and record.accuracy is not None
    return is_complete and _metric_of(record) in accuracy_of(record).scores


def _largest_group(records: Iterable[Record]) -> list[Record]:
    """Of the records that compare with each other those that most scores are among."""
    groups: dict[object, list[Record]] = {}
    for record in records:
        if is_scored(record.cell) and record.cell.task in TASKS and record.cell.recipe:
            groups.setdefault(_conditions(record), []).append(record)
    largest = max(groups.values(), key=lambda group: sum(map(_has_score, group)), default=[])
    epochs = Counter(_epochs(r) for r in largest if _epochs(r) and _has_score(r)).most_common(1)
    return [record for record in largest if _epochs(record) in (0, *dict(epochs))]


def _conditions(record: Record) -> object:
    """What must be equal for records to compare, but for the epochs: a baseline has none."""
    cell = record.cell
    assert cell.recipe is not None
    weights = MINIATURE if cell.checkpoint == RANDOM_ENCODER else cell.checkpoint
    step = replace(training_step(cell), adapter="", settings={}).key
    return (record.source, machine_of(record), weights, step, replace(cell.recipe, epochs=0))


def _epochs(record: Record) -> int:
    assert record.cell.recipe is not None
    return record.cell.recipe.epochs


def _methods(trained: Sequence[Record], records: Iterable[Record]) -> list[ScoredMethod]:
    """One for each method, and for each variant of it, which its label names."""
    # By the key of the step, whatever the card's compute capability.
    predicted = {
        replace(record.cell, compute_capability="8.0").key: record
        for record in records
        if record.source == "predicted" and has_memory(record)
    }
    steps = [replace(record, cell=training_step(record.cell)) for record in trained]
    labels = {record.cell.key: one for one in series_of(steps) for record in one.records}
    grouped: dict[str, list[Record]] = {}
    for step, record in zip(steps, trained, strict=True):
        grouped.setdefault(step.cell.key, []).append(record)
    series = {key: replace(labels[key], records=tuple(found)) for key, found in grouped.items()}
    return [ScoredMethod(series=one, prediction=predicted.get(key)) for key, one in series.items()]


def _baseline(cell: Cell) -> str | None:
    """The name of the baseline that a Cell is, if it is one."""
    if cell.recipe and not cell.recipe.epochs:
        return PRETRAINED
    return RANDOM if cell.checkpoint == RANDOM_ENCODER else None


def _named(label: str, found: Sequence[Record]) -> ScoredMethod:
    """A baseline."""
    adapter = found[0].cell.adapter
    series = Series(adapter=adapter, label=label, serial=None, records=tuple(found))
    return ScoredMethod(series=series)


def _rank(one: ScoredMethod, tasks: Sequence[str]) -> tuple[bool, float]:
    """Whether a method has all tasks, and its mean over those that it has."""
    complete = one.scores(tasks)
    own = [mean(scores) for scores in (one.scores([task]) for task in tasks) if scores]
    return bool(complete), mean(complete or own)

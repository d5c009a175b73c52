"""What scores rest on, in words: the captions of tables and plots of accuracy."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from samfit.harness.metrics import METRICS
from samfit.harness.miniature.tasks import TASKS
from samfit.harness.record.recipe import Recipe
from samfit.harness.record.record import Record
from samfit.harness.report.accuracy.standings import (
    Standings,
    accuracy_of,
    main_metric,
    training_step,
)
from samfit.harness.report.kit.describe import describe_times, origin

SCOPE = (
    "Images are generated and the SAM is a miniature: this compares methods with each other, and "
    "states nothing about the accuracy of SAM itself on photographs. "
)
SCHEDULES = {
    "constant": "constant",
    "cosine": "falling as half a cosine",
    "linear": "falling evenly",
    "poly": "falling as a polynomial",
}


def metric_name(tasks: Sequence[str]) -> str:
    """What scores on ``tasks`` are."""
    binary, several = METRICS[main_metric(1)].symbol, METRICS[main_metric(2)].symbol
    kinds = {TASKS[task].classes > 1 for task in tasks}
    if len(kinds) == 2:
        return f"{binary} ({several} of several classes)"
    return several if kinds == {True} else binary


def task_title(task: str) -> str:
    """As tables show it; of one with several classes, with its metric."""
    title, classes = TASKS[task].title, TASKS[task].classes
    return title if classes == 1 else f"{title} ({METRICS[main_metric(classes)].symbol})"


def describe_source(found: Standings) -> str:
    """What scores do not say, and where, how and when they were measured."""
    records = found.trained
    alike = [r for r in records if r.cell.loss == records[0].cell.loss]
    steps = [replace(r, cell=replace(training_step(r.cell), loss=r.cell.loss)) for r in alike]
    return (
        f"{SCOPE}Source: {describe_times(steps)}; {_other_losses(records)}{_recipe(records)}; "
        f"{_images(records)}, {_seeds(found.seeds)}; {origin(records)}."
    )


def describe_failures(found: Standings) -> str:
    """A sentence on trainings that gave no score, or nothing."""
    if not found.failed:
        return ""
    adapters = _joined(record.cell.adapter for record in found.failed)
    return (
        f"{_count(len(found.failed), 'training')} gave no score ({adapters}): table.csv says why. "
    )


def _other_losses(records: Sequence[Record]) -> str:
    """On which tasks another loss was trained than on the first."""
    tasks: dict[str, list[str]] = {}
    for record in records:
        tasks.setdefault(record.cell.loss, []).append(TASKS[record.cell.task].title)
    others = [f"{loss} loss on {_joined(tasks[loss])}; " for loss in list(tasks)[1:]]
    return "".join(others)


def _recipe(records: Sequence[Record]) -> str:
    """The recipe that all of ``records`` follow."""
    cell, recipe = records[0].cell, records[0].cell.recipe
    assert recipe is not None
    steps = max(len(accuracy_of(record).losses) for record in records)
    return (
        f"{steps} steps of {_count(cell.batch_size, 'image')} ({_count(recipe.epochs, 'epoch')}), "
        f"{_rate(recipe)}, weight decay {recipe.weight_decay:g}, "
        + (f"gradients clipped at norm {recipe.clip_norm:g}, " if recipe.clip_norm else "")
        + ("no augmentation" if recipe.augment == "none" else f"augmentation {recipe.augment}")
    )


def _rate(recipe: Recipe) -> str:
    warmup = f" after {_count(recipe.warmup, 'step')} of warm-up" if recipe.warmup else ""
    return f"learning rate {recipe.learning_rate:g}, {SCHEDULES[recipe.schedule]}{warmup}"


def _images(records: Sequence[Record]) -> str:
    train = _either(accuracy_of(record).train_images for record in records)
    test = _either(accuracy_of(record).test_images for record in records)
    return f"{train} images to train on and {test} to score in each task"


def _either(counts: Iterable[int]) -> str:
    return " or ".join(map(str, sorted(set(counts))))


def _seeds(seeds: Sequence[int]) -> str:
    return ("seed " if len(seeds) == 1 else "seeds ") + _joined(map(str, seeds))


def _joined(names: Iterable[str]) -> str:
    """``a, b and c``, each once."""
    *most, last = dict.fromkeys(names)
    return f"{', '.join(most)} and {last}" if most else last


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")

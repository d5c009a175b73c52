"""What scores rest on, and whether they differ by more than chance, in words."""

from collections.abc import Sequence
from dataclasses import replace

from samfit.harness.metrics import METRICS, main_metric
from samfit.harness.miniature.tasks import TASKS
from samfit.harness.record.record import Record
from samfit.harness.report.accuracy.scored import ScoredMethods, accuracy_of, training_step
from samfit.harness.report.kit.describe import counted, describe_times, joined, origin

SCOPE = (
    "Images are generated and the SAM is a miniature: scores compare methods with each other and "
    "say nothing about SAM on photographs. "
)
SCHEDULES = {
    "constant": "constant",
    "cosine": "cosine decay",
    "linear": "linear decay",
    "poly": "polynomial decay",
}
SIGNIFICANCE = 0.01  # not 0.05: of seven tasks, one in three reports would then find a difference


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


def describe_source(found: ScoredMethods) -> str:
    """What scores do not say, and where, how and when they were measured."""
    records = found.trained
    same_loss = [r for r in records if r.cell.loss == records[0].cell.loss]
    steps = [replace(r, cell=replace(training_step(r.cell), loss=r.cell.loss)) for r in same_loss]
    seeds = ("seed " if len(found.seeds) == 1 else "seeds ") + joined(found.seeds)
    return (
        f"{SCOPE}Source: {describe_times(steps)}; {_other_losses(records)}{_recipe(records)}; "
        f"{_images(records)}, {seeds}; {origin(records)}."
    )


def describe_failures(found: ScoredMethods) -> str:
    """A sentence on trainings that gave no score, or nothing."""
    if not found.failed:
        return ""
    adapters = joined(record.cell.adapter for record in found.failed)
    trainings = counted(len(found.failed), "training")
    return f"{trainings} gave no score ({adapters}): table.csv says why. "


def describe_chance(found: ScoredMethods) -> str:
    """On how many tasks methods differ by more than one of them does from seed to seed."""
    if len(found.seeds) == 1:
        return "Each method was trained with one seed, so any difference may be chance. "
    answers = [
        told_apart([one.scores([task]) for one in found.methods if one.scores([task])])
        for task in found.tasks
    ]
    known = [answer for answer in answers if answer is not None]
    if not known:
        return "With so few seeds and methods, any difference may be chance. "
    return (
        f"On {sum(known)} of {counted(len(known), 'task')} methods differ by more than chance "
        f"(Kruskal-Wallis test over seeds, p < {SIGNIFICANCE:g}); two neighbours in the table may "
        "still be equal. "
    )


def told_apart(scores: Sequence[Sequence[float]]) -> bool | None:
    """Whether the scores of methods, one a seed, differ by more than seeds make them differ.

    Kruskal and Wallis's test asks whether a method's scores lie together among those of all. It
    looks at ranks only: whether scores are normally distributed, three of them cannot tell. None
    if even methods whose scores lie wholly apart would not pass it, being too few.
    """
    from scipy.stats import kruskal  # slow to import

    ranks = iter(range(sum(map(len, scores))))
    apart = [[next(ranks) for _ in one] for one in scores]
    if len(scores) < 2 or kruskal(*apart).pvalue >= SIGNIFICANCE:
        return None
    if len({score for one in scores for score in one}) == 1:
        return False  # the test is undefined
    return bool(kruskal(*scores).pvalue < SIGNIFICANCE)


def _other_losses(records: Sequence[Record]) -> str:
    """On which tasks another loss was trained than on the first."""
    tasks: dict[str, list[str]] = {}
    for record in records:
        tasks.setdefault(record.cell.loss, []).append(TASKS[record.cell.task].title)
    return "".join(f"{loss} loss on {joined(tasks[loss])}; " for loss in list(tasks)[1:])


def _recipe(records: Sequence[Record]) -> str:
    """The recipe that all of ``records`` follow."""
    cell, recipe = records[0].cell, records[0].cell.recipe
    assert recipe is not None
    steps = max(len(accuracy_of(record).losses) for record in records)
    images, epochs = counted(cell.batch_size, "image"), counted(recipe.epochs, "epoch")
    warmup = f" after {counted(recipe.warmup, 'step')} of warm-up" if recipe.warmup else ""
    return (
        f"{steps} steps of {images} ({epochs}), learning rate {recipe.learning_rate:g}, "
        f"{SCHEDULES[recipe.schedule]}{warmup}, weight decay {recipe.weight_decay:g}, "
        + (f"gradients clipped at norm {recipe.clip_norm:g}, " if recipe.clip_norm else "")
        + ("no augmentation" if recipe.augment == "none" else f"augmentation {recipe.augment}")
    )


def _images(records: Sequence[Record]) -> str:
    scores = [accuracy_of(record) for record in records]
    counts = ({one.train_images for one in scores}, {one.test_images for one in scores})
    train, test = (" or ".join(map(str, sorted(found))) for found in counts)
    return f"{train} training and {test} test images in each task"

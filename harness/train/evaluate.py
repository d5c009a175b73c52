"""Score the masks of a trained model."""

from dataclasses import dataclass, replace
from pathlib import Path

from samfit.errors import UserError
from samfit.harness.data.check import check
from samfit.harness.data.dataset import DataSet, with_validation
from samfit.harness.data.listing import SPLITS
from samfit.harness.data.reading import AS_FOUND, Reading
from samfit.harness.metrics import Metrics, Score, main_metric
from samfit.harness.record.shown import Shown
from samfit.harness.train.baselines import collapse, require_better, shortfall, to_beat
from samfit.harness.train.inference import score_masks
from samfit.harness.train.objects import as_prompted
from samfit.harness.train.resources import enough_memory, opened, readers
from samfit.harness.train.run import Run
from samfit.harness.train.worst import worst_of
from samfit.progress import SILENT, Progress


@dataclass(frozen=True)
class Evaluation:
    """How good the masks of a model are.

    Attributes:
        data: name of the data set.
        split: the part of it that was scored.
        classes: 1 for masks of one object; else how many, background included.
        class_names: empty if unknown.
        metrics: the scores of each image.
        baselines: the main metric of masks that need no model, on the same images, by name.
        worst: the images with the lowest main metric, as many as were asked for.
    """

    data: str
    split: str
    classes: int
    class_names: tuple[str, ...]
    metrics: Metrics
    baselines: dict[str, float]
    worst: list[Shown]

    @property
    def scores(self) -> dict[str, Score]:
        """Each score over all images, with its 95% interval."""
        return self.metrics.summary()

    @property
    def problem(self) -> str:
        """What is wrong with the masks, in words; empty if they beat every baseline."""
        collapsed = collapse(self.metrics.only_class, self.classes)
        return shortfall(self._main, self.baselines, collapsed)

    def require_better_than_baseline(self) -> None:
        """Raises:
        UserError: if the main score does not beat every baseline.
        """
        require_better(self._main, self.baselines)

    @property
    def _main(self) -> float:
        return self.scores[main_metric(self.classes)].value


def evaluate(
    run: Run | Path | str,
    data: DataSet | Path | str | None = None,
    *,
    reading: Reading = AS_FOUND,
    split: str | None = None,
    batch_size: int = 1,
    worst: int = 0,
    workers: int | None = None,
    progress: Progress = SILENT,
) -> Evaluation:
    """Score the masks of a trained model, at the size of the images' own masks.

    Args:
        run: a run, or its folder.
        data: as ``open_data`` gives it or takes it. Default: the data of the training.
        reading: how ``data`` is to be read, where that does not follow from it or the training.
        split: ``test``, ``val`` or ``train``. Default: the first of these that there is.
        batch_size: images at a time.
        worst: how many of the worst masks to keep, to look at.
        workers: processes that read images. Default: 4 with a GPU, else 0.
        progress: is told how far it is.

    Raises:
        UserError: if there is no run, for data that cannot be used or have other classes
            than the model, or if memory runs out.
    """
    run = run if isinstance(run, Run) else Run(run)
    found = _own_data(run, progress) if data is None else _other_data(run, data, reading, progress)
    if found.classes != run.cell.classes:
        raise UserError(
            f"{found.name} has masks of {found.classes} classes, and the model was trained for "
            f"{run.cell.classes}: check --data and --classes."
        )
    filled = [name for name in reversed(SPLITS) if getattr(found, name)]
    chosen = split or filled[0]
    if chosen not in filled:
        raise UserError(f"{found.name} has no split {chosen}: choose {' or '.join(filled)}.")
    if run.remark:
        progress.say(run.remark)
    if data is None and chosen == "train":
        progress.say("these are the training images: expect lower scores on others")
    examples = getattr(found, chosen)
    check(examples, progress)
    found = as_prompted(found, replace(run.cell, prompts_per_image=1), progress)
    examples = getattr(found, chosen)
    cell, workers = replace(run.cell, batch_size=batch_size), readers(workers, run.device)
    with enough_memory(cell):
        what = f"scoring {found.name}, {chosen}"
        metrics, _ = score_masks(
            cell,
            run.model,
            examples,
            workers,
            None,
            progress,
            what,
            tiling=run.tiling,
            kind=found.kind,
        )
        scores = metrics.per_image[main_metric(cell.classes)]
        shown = (
            worst_of(cell, run.model, examples, scores, worst, run.tiling, found.kind)
            if worst
            else []
        )
    others = to_beat(found, examples, progress)
    return Evaluation(found.name, chosen, cell.classes, found.class_names, metrics, others, shown)


def _own_data(run: Run, progress: Progress) -> DataSet:
    """The data of the training, split as it was then."""
    images = run.description.data
    if not images.path:
        raise UserError(f"the run in {run.folder} does not say where its images are: give data.")
    data = _opened(run, images.path, images.reading, progress)
    return with_validation(data, images.hold_out, run.description.cell.seed)


def _other_data(
    run: Run, data: DataSet | Path | str, reading: Reading, progress: Progress
) -> DataSet:
    """Data that the model was not trained on, read as its own was."""
    return _opened(
        run, data, run.description.data.reading_like(reading, run.cell.classes), progress
    )


def _opened(run: Run, data: DataSet | Path | str, reading: Reading, progress: Progress) -> DataSet:
    return opened(
        data,
        progress,
        image_size=run.cell.image_size,
        trained_on=run.description.data.intensity,
        **vars(reading),
    )

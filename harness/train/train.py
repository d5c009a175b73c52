"""Train an adapter on images with masks, in a folder from which it can resume.

Example::

    import samfit

    cell = samfit.Cell(adapter="lora", backbone="vit_tiny", batch_size=4)
    run = samfit.train(cell, samfit.Recipe(epochs=5), "photos", "runs/lora")
    print(run)  # steps, time, best validation

    run = samfit.Run("runs/lora")  # later, or in another program
    print(samfit.evaluate(run).scores["iou"].value)
    mask = run.mask("photo.jpg")  # (H, W): 1 where the object is
    samfit.segment(run, "more photos", "masks")  # PNG files
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from samfit.errors import UserError
from samfit.harness.data.check import check
from samfit.harness.data.dataset import DataSet, with_validation
from samfit.harness.record.cell import Cell
from samfit.harness.record.recipe import Recipe
from samfit.harness.record.weights import MINIATURE
from samfit.harness.train.baselines import loss_hint, to_beat
from samfit.harness.train.description import Description
from samfit.harness.train.objects import as_prompted
from samfit.harness.train.rates import find_rate
from samfit.harness.train.resources import (
    check_one_process,
    enough_memory,
    interruption,
    opened,
    readers,
    torch_device,
)
from samfit.harness.train.run import Run
from samfit.harness.train.run_folder import RunFolder
from samfit.harness.train.tensorboard import TensorBoard
from samfit.harness.train.tiles import Tiling, in_tiles
from samfit.harness.train.training import Training, filled_cache
from samfit.progress import SILENT, Progress

SAVE_EVERY_S = 60.0  # the state of a training; rarer where writing it takes long


def train(
    cell: Cell,
    recipe: Recipe,
    data: DataSet | Path | str,
    folder: Path | str,
    *,
    rates: Sequence[float] = (),
    hold_out: float = 0.1,
    pretrained: Path | str | None = None,
    cache: Path | str | None = None,
    device: str | None = None,
    workers: int | None = None,
    progress: Progress = SILENT,
) -> Run:
    """Adapt SAM to images with masks. Called again, it resumes after an interruption.

    Args:
        cell, recipe: what is trained, and how; classes and device follow from ``data``, ``device``.
        data: as ``open_data`` gives it or takes it: a folder, a CSV file, or ``miniature:TASK``.
        folder: for the state, the trained weights, losses and scores; it is made.
        rates: learning rates to try in short trainings from the same start, see ``find_rate``: the
            best takes the place of the recipe's. Default: none is tried.
        hold_out: share of the training images to validate on, if ``data`` has none for that.
        pretrained: file of the adapter's own pretrained part: SAM-LST's ResNet-18.
        cache: folder for embeddings, if the Cell's are to be cached. Default: in ``folder``.
        device: ``cuda`` or ``cpu``. Default: the GPU if there is one, else the CPU.
        workers: processes that read images. Default: 4 with a GPU, else 0.
        progress: is told how far it is.

    Raises:
        UserError: for data or options that cannot be used, or one of several processes; if memory
            or the disk is full, or the training diverges; if it is interrupted (Ctrl-C), with the
            state of its last step saved.

    With other ``recipe.epochs`` than before, a run is prolonged or ended early: steps that were
    taken stay, and the learning rate goes on as the schedule over all epochs has it.
    """
    check_one_process()
    data = with_validation(opened(data, progress, image_size=cell.image_size), hold_out, cell.seed)
    where = torch_device(device)
    cell = _cell_for(data.classes, cell, where)
    check(data.train + data.val, progress)
    prompted = in_tiles(as_prompted(data, cell, progress), Tiling.of(recipe, cell))
    with enough_memory(cell):
        training = Training(cell, recipe, prompted, readers(workers, where), pretrained)
    files = RunFolder(Path(folder))
    what = Description.of(cell, recipe, data, hold_out, pretrained)
    with files.writing(), enough_memory(cell):
        if cell.cache_embeddings:
            cached = Path(cache or files.path / "embeddings")
            training.cache = filled_cache(cell, data.train + data.val, cached, progress)
        if rates:
            found = find_rate(training, rates, files, what, progress)
            training.plan(replace(recipe, learning_rate=found), training.total)
        _begin(training, files, replace(what, recipe=training.recipe), progress)
        _run(training, files, progress)
        files.save_results(training)
    run = Run(folder, device=where.type)
    run.history = training.history
    return run


def _cell_for(classes: int, cell: Cell, device: torch.device) -> Cell:
    """``cell``, with what follows from the data, the device, and the weights that there are."""
    if cell.checkpoint is None and cell.backbone != "vit_tiny":
        raise UserError(
            "training starts from SAM's weights: give --checkpoint, one of Meta's files such as "
            "sam_vit_b_01ec64.pth, or try --backbone vit_tiny, whose weights come with samfit."
        )
    return replace(
        cell,
        phase="train",
        settings={**cell.settings, "classes": classes} if classes > 1 else cell.settings,
        device="cuda" if device.type == "cuda" else "cpu",
        checkpoint=cell.checkpoint or MINIATURE,
    )


def _begin(
    training: Training, files: RunFolder, description: Description, progress: Progress
) -> None:
    """Take up a training where it was left, and find out what it has to beat."""
    if (state := files.start(description)) is not None:
        training.load_state(state)
        _say_where(training, progress)
    data, cell = training.data, training.cell
    if data.val and not training.history.baselines:
        found = to_beat(data, data.val, progress)
        training.history.baselines = found
        if hint := loss_hint(cell.loss, found):
            progress.say(hint)


def _say_where(training: Training, progress: Progress) -> None:
    """Say where a training resumes, and what another number of epochs means for it."""
    recipe, done = training.recipe, training.done
    before = training.history.prolonged.get(done, recipe.epochs)
    changed = f"--epochs is {recipe.epochs} now and was {before}"
    if before != recipe.epochs and training.is_over:
        progress.say(f"{changed}: the training ends where it is, after step {done}")
        return
    progress.say(f"resuming after step {done} of {training.total}")
    if before != recipe.epochs:
        rate = recipe.learning_rate_at(done, training.total)
        progress.say(
            f"{changed}: the {recipe.schedule} schedule spans all of them, so the learning rate "
            f"goes on at {rate:.2g}; a run of {recipe.epochs} epochs from the start would differ"
        )


def _run(training: Training, files: RunFolder, progress: Progress) -> None:
    """Train to the end, and save the state now and then.

    Raises:
        UserError: if interrupted; the state of the last step is saved.
    """
    saved, took = time.monotonic(), 0.0
    left = training.total - training.done
    with TensorBoard(files.path, training.done) as board, interruption() as is_interrupted:
        for history in progress.track(training.run(), left, training):
            board.show(history)
            now, stop = time.monotonic(), is_interrupted()
            if stop or now - saved > max(SAVE_EVERY_S, 20 * took):
                files.save_state(training.state())
                saved = time.monotonic()
                took = saved - now
            if stop:
                raise UserError(
                    f"interrupted after step {training.done} of {training.total}; its state is in "
                    f"{files.path}: run the same command to resume, or use it as it is."
                )

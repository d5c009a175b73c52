"""The command that trains: an adapter, on images with masks."""

import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from samfit.errors import UserError
from samfit.harness.cli.images import (
    Classes,
    Layout,
    Where,
    Workers,
    check_images,
    enough_memory,
    open_data,
    readers,
    torch_device,
)
from samfit.harness.cli.options import cell_from_options, recipe_from_options, takes
from samfit.harness.cli.output import Json, messages, print_json, progress_bar, stoppable
from samfit.harness.record.cell import Cell, LossName
from samfit.harness.record.recipe import Recipe
from samfit.harness.record.weights import MINIATURE

if TYPE_CHECKING:  # these import torch
    import torch

    from samfit.harness.train.embeddings import EmbeddingCache
    from samfit.harness.train.run_folder import RunFolder
    from samfit.harness.train.training import Training

NOT_OF_TRAINING = (
    "phase", "prompts_per_image", "loss", "device", "compute_capability", "alloc_conf",
)  # fmt: skip
KEEP_EVERY_S = 60.0  # the state of a training; rarer where writing it takes long


@takes("cell", cell_from_options, leave_out=NOT_OF_TRAINING, batch_size=4)
@takes("recipe", recipe_from_options)
def train(
    cell: Cell,
    recipe: Recipe,
    data: Annotated[
        str, typer.Option(help="Folder of images and masks, a CSV file, or miniature:TASK.")
    ],
    layout: Layout = "auto",
    classes: Classes = 0,
    loss: Annotated[
        LossName | None, typer.Option(help="cad without, and samed for several classes.")
    ] = None,
    hold_out: Annotated[
        float, typer.Option(help="Share of the training images to validate on, if none are given.")
    ] = 0.1,
    pretrained: Annotated[
        Path | None, typer.Option(help="The adapter's own pretrained part: SAM-LST's ResNet-18.")
    ] = None,
    cache: Annotated[
        Path | None, typer.Option(help="Folder for --cache-embeddings; in the output without.")
    ] = None,
    device: Where = None,
    workers: Workers = None,
    output: Annotated[
        Path | None, typer.Option(help="Folder of the run; runs/ADAPTER-DATA without.")
    ] = None,
    json_: Json = False,
) -> None:
    """Adapt SAM to images with masks. Run it again to go on after an interruption."""
    from samfit.harness.data.dataset import hold_out as held_out
    from samfit.harness.report.accuracy.history import draw_history
    from samfit.harness.report.accuracy.progress import training_summary
    from samfit.harness.report.write import pictures
    from samfit.harness.train.description import Description, Origin
    from samfit.harness.train.run_folder import RunFolder
    from samfit.harness.train.training import Training

    opened = open_data(data, layout, classes)
    if hold_out and not opened.val:
        opened = held_out(opened, hold_out, cell.seed)
    where = torch_device(device)
    cell = _cell_for(opened.classes, cell, loss, where)
    folder = RunFolder(output or Path("runs") / f"{cell.adapter}-{opened.name.replace(' ', '-')}")
    origin = Origin(path=data, layout=layout, classes=classes, hold_out=hold_out)
    description = Description.of(cell, recipe, opened, origin, pretrained)
    with enough_memory(cell):
        training = Training(cell, recipe, opened, where, readers(workers, where), pretrained)
    check_images(opened.train + opened.val)
    with folder.writing(), enough_memory(cell):
        state = folder.begin(description)
        if state is not None:
            training.take_up(state)
            messages.print(f"going on after step {training.done} of {training.total}")
        if cell.cache_embeddings:
            training.cache = _filled_cache(training, cache or folder.path / "embeddings")
        _run(training, folder)
        curves = {}
        if training.done:
            curves = pictures("curves", draw_history(training.history, training.metric))
        folder.finish(training, curves)
    if json_:
        print_json({"folder": str(folder.path), **asdict(training.history)})
    else:
        Console().print(training_summary(training, folder.path), soft_wrap=True)


def _cell_for(classes: int, cell: Cell, loss: LossName | None, device: "torch.device") -> Cell:
    """``cell``, with what follows from the data, the device, and the weights that there are."""
    settings = {**cell.settings, "classes": classes} if classes > 1 else cell.settings
    if cell.checkpoint is None and cell.backbone != "vit_tiny":
        raise UserError(
            "training starts from SAM's weights: give --checkpoint, one of Meta's files such as "
            "sam_vit_b_01ec64.pth, or try it with --backbone vit_tiny, whose weights are here."
        )
    return replace(
        cell,
        settings=settings,
        loss=loss or ("samed" if classes > 1 else "cad"),
        device="cuda" if device.type == "cuda" else "cpu",
        checkpoint=cell.checkpoint or MINIATURE,
    )


def _filled_cache(training: "Training", folder: Path) -> "EmbeddingCache":
    """The cache of embeddings with all images of ``training`` in it, as it takes them."""
    from samfit.harness.train.training import filled_cache

    examples = training.data.train + training.data.val
    with progress_bar() as bar:
        task = bar.add_task("caching embeddings", total=len(examples))

        def show(done: int) -> None:
            bar.update(task, completed=done)

        return filled_cache(training.cell, examples, folder, training.device, show)


def _run(training: "Training", folder: "RunFolder") -> None:
    """Train to the end, showing a bar, and keep the state now and then.

    Raises:
        UserError: if interrupted; the state of the last step is kept.
    """
    from samfit.harness.report.accuracy.progress import describe_progress
    from samfit.harness.train.tensorboard import TensorBoard

    kept, took = time.monotonic(), 0.0
    board = TensorBoard(folder.path, training.done)
    with progress_bar() as bar, stoppable() as is_asked_to_stop:
        task = bar.add_task("training", total=training.total)
        for history in training.run():
            bar.update(task, completed=training.done, description=describe_progress(training))
            board.show(history)
            now, stop = time.monotonic(), is_asked_to_stop()
            if stop or now - kept > max(KEEP_EVERY_S, 20 * took):
                folder.keep(training.state())
                kept = time.monotonic()
                took = kept - now
            if stop:
                board.close()
                raise UserError(
                    f"interrupted after step {training.done} of {training.total}; what was learnt "
                    f"is in {folder.path}: run the same command to go on."
                )
    board.close()

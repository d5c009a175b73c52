"""Commands about masks: train on them, score them, write them."""

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, get_args

import typer
from rich.console import Console

from adapters.core.errors import UserError
from harness.accuracy.recipe import Recipe
from harness.cell import Cell, Device, LossName
from harness.cli.app import app
from harness.cli.output import Json, messages, print_json, progress_bar, stoppable, writing_to
from harness.options import cell_from_options, recipe_from_options, takes
from harness.sam.packaged import MINIATURE

if TYPE_CHECKING:  # these import torch
    import torch

    from harness.accuracy.embeddings import EmbeddingCache
    from harness.accuracy.run_folder import RunFolder
    from harness.accuracy.training import Training
    from harness.data.dataset import DataSet
    from harness.data.example import Example

Split = Literal["test", "val", "train"]

GENERATED = "miniature:"  # how --data begins for a task that comes with samfit
NOT_OF_TRAINING = (
    "phase", "prompts_per_image", "loss", "device", "compute_capability", "alloc_conf",
)  # fmt: skip
KEEP_EVERY_S = 60.0  # the state of a training; rarer where writing it takes long

Layout = Annotated[
    str, typer.Option(help="How the folder is organised: auto, or a data set such as cod10k.")
]
Classes = Annotated[
    int, typer.Option(help="1 for masks of one object, K for class indices; 0 looks at the masks.")
]
Where = Annotated[Device | None, typer.Option(help="The card without, if there is one.")]
Workers = Annotated[
    int | None, typer.Option(min=0, help="Processes that read images; 4 for a card, else none.")
]
Run = Annotated[Path, typer.Argument(help="Folder of samfit train.")]
Checkpoint = Annotated[
    str | None, typer.Option(help="SAM's weights, if they are elsewhere than in training.")
]


@app.command()
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
    from harness.accuracy.description import Description, Origin
    from harness.accuracy.run_folder import RunFolder
    from harness.accuracy.training import Training
    from harness.data.dataset import hold_out as held_out
    from harness.report.accuracy.progress import training_summary
    from harness.report.plots.history import draw_history
    from harness.report.write import pictures

    opened = _open(data, layout, classes)
    if hold_out and not opened.val:
        opened = held_out(opened, hold_out, cell.seed)
    where = _torch_device(device)
    cell = _cell_for(opened.classes, cell, loss, where)
    folder = RunFolder(output or Path("runs") / f"{cell.adapter}-{opened.name.replace(' ', '-')}")
    origin = Origin(path=data, layout=layout, classes=classes, hold_out=hold_out)
    description = Description.of(cell, recipe, opened, origin, pretrained)
    with _enough_memory(cell):
        training = Training(cell, recipe, opened, where, _readers(workers, where), pretrained)
    _check(opened.train + opened.val)
    with folder.writing(), _enough_memory(cell):
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


@app.command()
def evaluate(
    run: Run,
    data: Annotated[
        str | None, typer.Option(help="Images to score; those that it was trained on without.")
    ] = None,
    layout: Layout = "auto",
    classes: Classes = 0,
    split: Annotated[
        Split | None, typer.Option(help="test without; val or train if there is none.")
    ] = None,
    checkpoint: Checkpoint = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Images at a time.")] = 1,
    device: Where = None,
    workers: Workers = None,
    output: Annotated[Path | None, typer.Option(help="CSV file: the scores of each image.")] = None,
    json_: Json = False,
) -> None:
    """Score the masks of a trained model, with intervals over the images."""
    from harness.accuracy.evaluate import evaluate as run_evaluation
    from harness.accuracy.run_folder import RunFolder, load_run
    from harness.data.dataset import hold_out as held_out
    from harness.files import write_whole
    from harness.report.accuracy.scores import per_image_table, score_table, scores_to_json
    from harness.report.tables import terminal_table

    description = RunFolder(run).describe()
    origin, is_own = description.data, data is None
    if data is None:
        data, layout, classes = origin.path, origin.layout, origin.classes
    opened = _open(data, layout, classes or description.classes)
    if opened.classes != description.classes:
        raise UserError(
            f"{opened.name} has masks of {opened.classes} classes, and the model was trained for "
            f"{description.classes}: check --data and --classes."
        )
    if is_own and origin.hold_out and not opened.val:
        opened = held_out(opened, origin.hold_out, description.cell.seed)
    chosen, examples = _split(opened, split)
    if is_own and chosen == "train":
        messages.print("these are the images that it was trained on: on others it scores lower.")
    _check(examples)
    where = _torch_device(device)
    cell, model = load_run(RunFolder(run), checkpoint, where)
    cell = replace(cell, batch_size=batch_size)
    with progress_bar() as bar, _enough_memory(cell):
        task = bar.add_task(f"scoring {opened.name}, {chosen}", total=len(examples))
        metrics, _ = run_evaluation(
            cell,
            model,
            examples,
            where,
            _readers(workers, where),
            progress=lambda: bar.advance(task),
            keep=0,
        )
    if json_:
        print_json({"data": opened.name, "split": chosen, **scores_to_json(metrics)})
    else:
        Console().print(
            terminal_table(*score_table(metrics, opened.name, chosen, opened.class_names))
        )
    if output:  # last: if it cannot be written, the scores have been said
        content = per_image_table(metrics).to_csv(index=False, lineterminator="\n").encode()
        with writing_to(output):
            write_whole(output, content)


@app.command()
def segment(
    run: Run,
    images: Annotated[list[Path], typer.Argument(help="Images, or folders of images.")],
    output: Annotated[Path, typer.Option(help="Folder for the masks.")],
    box: Annotated[
        str | None, typer.Option(metavar="X0,Y0,X1,Y1", help="Prompt, in pixels of the image.")
    ] = None,
    point: Annotated[
        list[str] | None, typer.Option(metavar="X,Y", help="Prompt within the object; repeatable.")
    ] = None,
    checkpoint: Checkpoint = None,
    device: Where = None,
    json_: Json = False,
) -> None:
    """Write the masks that a trained model sees in images, as PNG files of their size."""
    from harness.accuracy.run_folder import RunFolder, load_run
    from harness.accuracy.segment import mask_file
    from harness.accuracy.segment import segment as run_segmentation
    from harness.data.pair import read_image
    from harness.files import write_whole

    found = _mask_files(images, output)
    corners = _numbers("--box", box, 4) if box else None
    points = [_numbers("--point", text, 2) for text in point or []]
    where = _torch_device(device)
    cell, model = load_run(RunFolder(run), checkpoint, where)
    classes = model.adapter.settings.classes
    with progress_bar() as bar, _enough_memory(cell):
        for image, file in bar.track(found.items(), description="segmenting"):
            mask = run_segmentation(cell, model, read_image(image), where, corners, points)
            with writing_to(file):
                file.parent.mkdir(parents=True, exist_ok=True)
                write_whole(file, mask_file(mask, classes))
    if json_:
        print_json({"files": [str(file) for file in found.values()]})
    else:
        Console().print(f"{len(found)} masks in {output}", soft_wrap=True)


def _open(data: str, layout: str, classes: int) -> "DataSet":
    """The data set that --data means; what is remarkable about it goes to the user."""
    from harness.data.dataset import open_folder
    from harness.miniature.dataset import miniature

    if data.startswith(GENERATED):
        return miniature(data.removeprefix(GENERATED))
    opened = open_folder(Path(data), layout, classes)
    for remark in opened.remarks:
        messages.print(remark)
    return opened


def _check(examples: "Sequence[Example]") -> None:
    """Read every image and mask once, so that a bad one does not end the work later."""
    from harness.data.check import check

    with progress_bar() as bar:
        task = bar.add_task("checking images and masks", total=len(examples))
        check(examples, lambda: bar.advance(task))


def _split(data: "DataSet", split: Split | None) -> "tuple[Split, Sequence[Example]]":
    """The images to score, and the name of their split."""
    filled: list[Split] = [name for name in get_args(Split) if getattr(data, name)]
    chosen = split or filled[0]
    if chosen not in filled:
        raise UserError(f"{data.name} has no split {chosen}: choose {' or '.join(filled)}.")
    return chosen, getattr(data, chosen)


def _torch_device(device: Device | None) -> "torch.device":
    import torch

    available = torch.cuda.is_available()
    if device == "cuda" and not available:
        raise UserError("--device cuda: there is no CUDA device here; use --device cpu.")
    return torch.device(device or ("cuda" if available else "cpu"))


@contextmanager
def _enough_memory(cell: Cell) -> Iterator[None]:
    """Say in one sentence that memory ran out, and how to find what needs less."""
    from harness.measure import is_out_of_memory

    try:
        yield
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        raise UserError(
            f"out of memory with --batch-size {cell.batch_size}: use a smaller one, or levers; "
            f"samfit fit {cell.adapter} --backbone {cell.backbone} says which a card needs."
        ) from error


def _readers(workers: int | None, device: "torch.device") -> int:
    """Processes that read images: a card must not wait for them, a CPU has other work."""
    if workers is not None:
        return workers
    return 4 if device.type == "cuda" else 0


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
    from harness.accuracy.training import filled_cache

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
    from harness.accuracy.tensorboard import TensorBoard
    from harness.report.accuracy.progress import describe_progress

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


def _mask_files(images: Sequence[Path], folder: Path) -> dict[Path, Path]:
    """The images that are meant, and for each the file of its mask.

    Raises:
        UserError: if there is none, two would share a mask, or a mask would replace an image.
    """
    from harness.data.pixels import is_picture

    found: dict[Path, Path] = {}
    for path in images:
        is_folder = path.is_dir()
        inside = sorted(p for p in path.rglob("*") if is_picture(p.name)) if is_folder else [path]
        root = path if is_folder else path.parent
        found |= {file: folder / file.relative_to(root).with_suffix(".png") for file in inside}
    if not found:
        raise UserError(f"there are no images in {', '.join(map(str, images))}.")
    given = {image.resolve() for image in found}
    taken: dict[Path, Path] = {}
    for image, file in found.items():
        if file in taken:
            raise UserError(f"{taken[file]} and {image} would both be {file}: name them apart.")
        if file.resolve() in given:
            raise UserError(f"the mask of {image} would replace {file}: choose another --output.")
        taken[file] = image
    return found


def _numbers(option: str, text: str, count: int) -> list[float]:
    """``count`` numbers separated by commas."""
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != count or not all(map(math.isfinite, numbers)):
        raise UserError(f"{option} takes {count} numbers separated by commas, got {text!r}.")
    return numbers

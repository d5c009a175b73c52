"""samfit segment: write the masks of images."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console

from samfit.errors import UserError
from samfit.harness.cli.images import (
    Where,
    enough_memory,
    torch_device,
)
from samfit.harness.cli.output import Json, print_json, progress_bar, writing_to

if TYPE_CHECKING:  # these import torch
    pass
Split = Literal["test", "val", "train"]
Run = Annotated[Path, typer.Argument(help="Folder of samfit train.")]
Checkpoint = Annotated[
    str | None, typer.Option(help="SAM's weights, if they are elsewhere than in training.")
]


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
    from samfit.files import write_whole
    from samfit.harness.data.pair import read_image
    from samfit.harness.train.run_folder import RunFolder, load_run
    from samfit.harness.train.segment import mask_file, segment as run_segmentation

    found = _mask_files(images, output)
    corners = _numbers("--box", box, 4) if box else None
    points = [_numbers("--point", text, 2) for text in point or []]
    where = torch_device(device)
    cell, model = load_run(RunFolder(run), checkpoint, where)
    classes = model.adapter.settings.classes
    with progress_bar() as bar, enough_memory(cell):
        for image, file in bar.track(found.items(), description="segmenting"):
            mask = run_segmentation(cell, model, read_image(image), where, corners, points)
            with writing_to(file):
                file.parent.mkdir(parents=True, exist_ok=True)
                write_whole(file, mask_file(mask, classes))
    if json_:
        print_json({"files": [str(file) for file in found.values()]})
    else:
        Console().print(f"{len(found)} masks in {output}", soft_wrap=True)


def _mask_files(images: Sequence[Path], folder: Path) -> dict[Path, Path]:
    """The images that are meant, and for each the file of its mask.

    Raises:
        UserError: if there is none, two would share a mask, or a mask would replace an image.
    """
    from samfit.harness.data.pixels import is_picture

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

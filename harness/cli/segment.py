"""samfit segment: write the masks of images."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

import samfit
from samfit.errors import UserError
from samfit.harness.cli.images import AnyBase, Checkpoint, RunArgument, Where
from samfit.harness.cli.output import Bars, Json, print_json


def segment(
    run: RunArgument,
    images: Annotated[list[Path], typer.Argument(help="Images, or folders of images.")],
    output: Annotated[Path, typer.Option(help="Folder for the masks.")],
    box: Annotated[
        str | None,
        typer.Option(metavar="X0,Y0,X1,Y1", help="Box around the object, in pixels of the image."),
    ] = None,
    point: Annotated[
        list[str] | None,
        typer.Option(metavar="X,Y", help="Point in the object, in pixels; repeatable."),
    ] = None,
    checkpoint: Checkpoint = None,
    any_base: AnyBase = False,
    device: Where = None,
    json_: Json = False,
) -> None:
    """Segment images with a trained model: one PNG mask each, at the image's size."""
    files = samfit.segment(
        samfit.Run(run, checkpoint, device, any_base),
        images,
        output,
        box=_numbers("--box", box) if box else None,
        points=[_numbers("--point", text) for text in point or []],
        progress=Bars(),
    )
    if json_:
        print_json({"files": [str(file) for file in files]})
    else:
        Console().print(f"{len(files)} masks in {output}", soft_wrap=True)


def _numbers(option: str, text: str) -> list[float]:
    """Numbers separated by commas."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError as error:
        raise UserError(f"{option} takes numbers separated by commas, got {text!r}.") from error

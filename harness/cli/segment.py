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
        list[str] | None,
        typer.Option(
            metavar="X0,Y0,X1,Y1",
            help="Box around an object, in pixels of the image; repeatable: each gives a mask.",
        ),
    ] = None,
    point: Annotated[
        list[str] | None,
        typer.Option(metavar="X,Y", help="Point in the object, in pixels; repeatable."),
    ] = None,
    prompts: Annotated[
        Path | None,
        typer.Option(
            help="CSV file of boxes (image, x0, y0, x1, y1) or points (image, x, y, object), for "
            "other prompts in each image."
        ),
    ] = None,
    threshold: Annotated[
        float,
        typer.Option(min=0, max=1, help="Probability above which a pixel belongs to the object."),
    ] = 0.5,
    overlay: Annotated[
        bool, typer.Option("--overlay", help="Also write pictures of the masks over the images.")
    ] = False,
    probability: Annotated[
        bool, typer.Option("--probability", help="Also write probabilities, as PNG of 16 bits.")
    ] = False,
    checkpoint: Checkpoint = None,
    any_base: AnyBase = False,
    device: Where = None,
    json_: Json = False,
) -> None:
    """Segment images with a trained model: one PNG mask each, at the image's size."""
    points = [_numbers("--point", text) for text in point or []]
    asked = samfit.Asked(
        [_numbers("--box", text) for text in box or []], [points] if points else []
    )
    if prompts and (box or point):
        raise UserError("--prompts takes the place of --box and --point: give one of them.")
    files = samfit.segment(
        samfit.Run(run, checkpoint, device, any_base),
        images,
        output,
        asked=samfit.read_prompts(prompts) if prompts else asked,
        output=samfit.Output(threshold=threshold, overlay=overlay, probability=probability),
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

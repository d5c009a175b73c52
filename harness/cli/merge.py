"""samfit merge: fold an adapter into SAM's weights."""

from pathlib import Path
from typing import Annotated

import typer

import samfit
from samfit.harness.cli.images import AnyBase, Checkpoint, RunArgument
from samfit.harness.cli.output import Json, print_written


def merge(
    run: RunArgument,
    output: Annotated[
        Path, typer.Option(help="File for the merged weights: .pth (as Meta's) or .safetensors.")
    ],
    checkpoint: Checkpoint = None,
    any_base: AnyBase = False,
    json_: Json = False,
) -> None:
    """Write a trained model as plain SAM weights, where its method can be merged."""
    trained = samfit.Run(run, checkpoint, "cpu", any_base)
    print_written(samfit.merge(trained, output), json_)

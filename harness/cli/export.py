"""samfit export: write a trained model for other libraries."""

from pathlib import Path
from typing import Annotated, Literal

import typer

import samfit
from samfit.harness.cli.images import AnyBase, Checkpoint, RunArgument
from samfit.harness.cli.output import Json, print_written


def export(
    run: RunArgument,
    output: Annotated[Path, typer.Option(help="Folder for the files.")],
    format_: Annotated[
        Literal["hf", "peft"],
        typer.Option("--format", help="hf: a merged SAM for transformers; peft: a LoRA for PEFT."),
    ] = "hf",
    checkpoint: Checkpoint = None,
    any_base: AnyBase = False,
    json_: Json = False,
) -> None:
    """Write a trained model in the format of Hugging Face's libraries."""
    trained = samfit.Run(run, checkpoint, "cpu", any_base)
    print_written(samfit.export(trained, output, format_), json_)

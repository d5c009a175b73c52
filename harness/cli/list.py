"""samfit list: the adapters and their sizes."""

from typing import Annotated

import typer

import samfit
from samfit.adapters.core.registry import broken_adapters
from samfit.harness.cli.output import Bars, Json, print_answer, print_json


def list_adapters(
    peft: Annotated[
        bool, typer.Option("--peft", help="List the methods of Hugging Face PEFT instead.")
    ] = False,
    backbone: Annotated[
        list[str] | None,
        typer.Option(
            help="On which backbone; repeatable. Default: those of segment-anything and the "
            "miniature, or vit_b for PEFT's methods."
        ),
    ] = None,
    json_: Json = False,
) -> None:
    """List the adapters: source, serial or parallel, parameters on each backbone."""
    from samfit.harness.report.catalogue import catalogue_table

    for problem in broken_adapters().values():
        Bars().say(f"left out: {problem}")
    entries = samfit.catalogue(peft, backbone or ())
    if json_:
        print_json(entries)
    else:
        print_answer(catalogue_table(entries))

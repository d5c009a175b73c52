"""samfit published: rehearsals against published measurements."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Group

import samfit
from samfit.harness.cli.output import Bars, Json, plain_interrupt, print_answer, print_json


def published(
    output: Annotated[Path, typer.Option(help="Folder for the tables and a plot.")] = Path(
        "results/published"
    ),
    json_: Json = False,
) -> None:
    """Compare rehearsals with published measurements of GPU memory. Needs no GPU."""
    from samfit.harness.report.published.table import published_tables, write_published

    with plain_interrupt():
        found = list(samfit.compare_published(progress=Bars()))
    paths = write_published(found, output)
    if json_:
        print_json([each.to_json() for each in found])
        return
    peaks, messages, ends, *_ = published_tables(found)
    print_answer(Group(peaks, messages, ends), paths)

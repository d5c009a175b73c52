"""samfit report: tables and plots of a results file."""

from pathlib import Path
from typing import Annotated

import typer

import samfit
from samfit.harness.cli.output import Json, messages, print_answer, print_json


def report(
    results: Annotated[Path, typer.Argument(help="Results file of a sweep.")],
    output: Annotated[
        Path | None,
        typer.Option(help="Folder for tables and plots. Default: the folder of the results file."),
    ] = None,
    json_: Json = False,
) -> None:
    """Write a page, tables and plots of a results file, and print the tables."""
    from samfit.harness.record.store import read_results
    from samfit.harness.report.write import report_for_terminal

    records = read_results(results)
    with messages.status("drawing the report"):
        paths = samfit.report(records, output or results.parent)
    if json_:
        print_json({"files": [str(path) for path in paths]})
    else:
        print_answer(report_for_terminal(records), paths)

"""samfit report: tables and plots of a results file."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from samfit.harness.cli.output import Json, messages, print_json


def report(
    results: Annotated[Path, typer.Argument(help="Results file of a sweep.")],
    output: Annotated[
        Path | None, typer.Option(help="Folder for tables and plots; beside the file without.")
    ] = None,
    json_: Json = False,
) -> None:
    """Write tables and plots of a results file, and print the tables."""
    from samfit.harness.record.store import read_results
    from samfit.harness.report.kit.tables import terminal_table
    from samfit.harness.report.write import captioned_tables, write_report

    records = read_results(results)
    with messages.status("drawing the report"):
        paths = write_report(records, output or results.parent)
    if json_:
        print_json({"files": [str(path) for path in paths]})
        return
    console = Console()
    for table in captioned_tables(records):
        console.print(terminal_table(*table))
    console.print("\n".join(str(path) for path in paths), soft_wrap=True)

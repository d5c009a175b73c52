"""Commands about many Cells: run them, draw them."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from adapters.core.errors import UserError
from harness.cli.app import app
from harness.cli.output import Json, messages, print_json, with_progress


@app.command()
def sweep(
    profile: Annotated[str, typer.Argument(help="bench, or a JSON file with grids of Cells.")],
    output: Annotated[
        Path, typer.Option(help="Results file; records that are there already are kept.")
    ] = Path("results/results.jsonl"),
    json_: Json = False,
) -> None:
    """Run many Cells, each isolated. Run it again to resume after an interruption."""
    from harness.run.isolate import Worker
    from harness.run.profiles import load_profile
    from harness.run.sweep import sweep as run
    from harness.store import Store

    store, records = Store(output), []
    try:
        with store.writing(), Worker() as worker:
            tasks = load_profile(profile, worker.machine)
            for record in with_progress(run(tasks, store, worker), len(tasks)):
                records.append(record)
    except KeyboardInterrupt:
        done = f"interrupted; what was finished is in {output}"
        raise UserError(f"{done}: run the same command to go on.") from None
    if json_:
        print_json([record.to_json() for record in records])
    else:
        messages.print(f"{len(records)} Cells in {output}; samfit report {output} draws them.")
    if any(record.status == "error" for record in records):
        raise UserError(f"some Cells failed, see above and {output}: run the same command again.")


@app.command()
def report(
    results: Annotated[Path, typer.Argument(help="Results file of a sweep.")],
    output: Annotated[
        Path | None, typer.Option(help="Folder for tables and plots; beside the file without.")
    ] = None,
    json_: Json = False,
) -> None:
    """Write tables and plots of a results file, and print the tables."""
    from harness.report.tables import terminal_table
    from harness.report.write import captioned_tables, write_report
    from harness.store import Store

    records = Store(results).latest()
    if not records:
        raise UserError(f"there are no results in {results}: run samfit sweep bench first.")
    paths = write_report(records, output or results.parent)
    if json_:
        print_json({"files": [str(path) for path in paths]})
        return
    console = Console()
    for table in captioned_tables(records):
        console.print(terminal_table(*table))
    console.print("\n".join(str(path) for path in paths), soft_wrap=True)

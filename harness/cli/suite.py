"""Commands about many Cells: run them, draw them, compare two runs of them."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from samfit.errors import UserError
from samfit.harness.cli.app import app
from samfit.harness.cli.output import Json, messages, print_json, with_progress
from samfit.harness.record.record import Record
from samfit.harness.run.task import TIME_LIMIT_S


@app.command()
def sweep(
    profile: Annotated[
        str, typer.Argument(help="bench, accuracy, or a JSON file with grids of Cells.")
    ],
    output: Annotated[
        Path, typer.Option(help="Results file; records that are there already are kept.")
    ] = Path("results/results.jsonl"),
    time_limit: Annotated[
        float, typer.Option(min=1, metavar="SECONDS", help="A Cell that takes longer is stopped.")
    ] = TIME_LIMIT_S,
    json_: Json = False,
) -> None:
    """Run many Cells, each isolated. Run it again to resume after an interruption."""
    from samfit.harness.record.store import Store
    from samfit.harness.run.isolate import Worker
    from samfit.harness.run.profiles import load_profile
    from samfit.harness.run.sweep import sweep as run

    store, records = Store(output), []
    try:
        wanted = load_profile(profile)  # a mistake in it is told before a worker is started
        with store.writing(), Worker() as worker:
            tasks = wanted(worker.machine)
            for record in with_progress(run(tasks, store, worker, time_limit), len(tasks)):
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
    from samfit.harness.report.kit.tables import terminal_table
    from samfit.harness.report.write import captioned_tables, write_report

    records = _records(results)
    with messages.status("drawing the report"):
        paths = write_report(records, output or results.parent)
    if json_:
        print_json({"files": [str(path) for path in paths]})
        return
    console = Console()
    for table in captioned_tables(records):
        console.print(terminal_table(*table))
    console.print("\n".join(str(path) for path in paths), soft_wrap=True)


@app.command()
def compare(
    old: Annotated[Path, typer.Argument(help="Results file of the run before.")],
    new: Annotated[Path, typer.Argument(help="Results file of the run after.")],
    max_memory_growth: Annotated[
        float | None,
        typer.Option(min=0, metavar="PERCENT", help="Fail if a peak grew by more than this."),
    ] = None,
    max_time_growth: Annotated[
        float | None,
        typer.Option(min=0, metavar="PERCENT", help="Fail if a step takes longer by more."),
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Draw it, too: a .png or .svg file.")] = None,
    json_: Json = False,
) -> None:
    """Show what changed between two runs: memory exactly, time beyond its spread.

    With a limit the exit code is 1 if a Cell exceeds it, ended well before and does no more, or is
    gone.
    """
    from samfit.harness.record.changes import compare as run
    from samfit.harness.record.changes import failures
    from samfit.harness.report.compare.plot import draw_comparison
    from samfit.harness.report.compare.table import comparison_summary
    from samfit.harness.report.kit.picture import check_picture, write_picture

    if output:
        check_picture(output)
    found = run(_records(old), _records(new))
    if not found.pairs:
        raise UserError(f"{old} and {new} have no Cell in common: nothing can be compared.")
    failed = failures(found, *(p and p / 100 for p in (max_memory_growth, max_time_growth)))
    figure = draw_comparison(found) if output else None
    if output and figure:
        write_picture(figure, output)
    if json_:
        print_json({"old": str(old), "new": str(new), **found.to_json(), "failures": failed})
    else:
        Console().print(comparison_summary(found))
    if output and not figure:
        messages.print("there is nothing to draw: no peak changed, and there are no times.")
    if failed:
        more = f", and {len(failed) - 1} more" if len(failed) > 1 else ""
        raise UserError(f"worse than before: {failed[0]}{more}.")


def _records(results: Path) -> list[Record]:
    """The last record of each Cell in a results file."""
    from samfit.harness.record.store import Store

    records = Store(results).latest()
    if not records:
        raise UserError(f"there are no results in {results}: run samfit sweep bench first.")
    return records

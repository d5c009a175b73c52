"""samfit compare: what changed between two runs."""

from pathlib import Path
from typing import Annotated

import typer

import samfit
from samfit.harness.cli.output import Json, messages, print_answer, print_json


def compare(
    old: Annotated[Path, typer.Argument(help="Results file of the run before.")],
    new: Annotated[Path, typer.Argument(help="Results file of the run after.")],
    max_memory_growth: Annotated[
        float | None,
        typer.Option(min=0, metavar="PERCENT", help="Fail if a peak grew by more than this."),
    ] = None,
    max_time_growth: Annotated[
        float | None,
        typer.Option(min=0, metavar="PERCENT", help="Fail if a step's time grew by more."),
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Draw it, too: a .png or .svg file.")] = None,
    json_: Json = False,
) -> None:
    """Show what changed between two runs: memory to the byte, times beyond their noise.

    With a limit, the exit code is 1 if a Cell exceeds it, or succeeded before and now fails or is
    missing.
    """
    from samfit.harness.record.store import read_results
    from samfit.harness.report.compare.plot import draw_comparison
    from samfit.harness.report.compare.table import comparison_summary
    from samfit.harness.report.kit.picture import check_picture, write_picture

    if output:
        check_picture(output)
    found = samfit.compare(read_results(old), read_results(new))
    if not found.pairs:
        raise samfit.UserError(f"{old} and {new} have no Cell in common: nothing can be compared.")
    failed = found.failures(*(p and p / 100 for p in (max_memory_growth, max_time_growth)))
    figure = draw_comparison(found) if output else None
    if output and figure:
        write_picture(figure, output)
    if json_:
        print_json({"old": str(old), "new": str(new), **found.to_json(), "failures": failed})
    else:
        print_answer(comparison_summary(found))
    if output and not figure:
        messages.print("there is nothing to draw: no peak changed, and there are no times.")
    if failed:
        more = f", and {len(failed) - 1} more" if len(failed) > 1 else ""
        raise samfit.UserError(f"worse than before: {failed[0]}{more}.")

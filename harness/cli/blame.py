"""samfit blame: which modules hold the memory at the peak."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from samfit.harness.cli.options import takes_cell
from samfit.harness.cli.output import (
    Json,
    plain_interrupt,
    print_json,
)
from samfit.harness.record.cell import Cell


@takes_cell
def blame(
    cell: Cell,
    against: Annotated[
        str | None,
        typer.Option(
            metavar='"ADAPTER OPTIONS"',
            help="Compare with this Cell; what is not mentioned is as in the first.",
        ),
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Draw it, too: a .png or .svg file.")] = None,
    json_: Json = False,
) -> None:
    """Show which modules hold the memory at the peak, and why another Cell needs more or less."""
    from samfit.harness.cli.against import cell_against
    from samfit.harness.predict.answers import difference_to_json
    from samfit.harness.predict.blame import blame as run
    from samfit.harness.report.blame.table import blame_summary, difference_summary

    if output:
        from samfit.harness.report.blame.plot import icicle
        from samfit.harness.report.kit.picture import check_picture, write_picture

        check_picture(output)
    cells = [cell] if against is None else [cell, cell_against(cell, against)]
    with plain_interrupt():
        one, *others = [run(cell) for cell in cells]
    if output:
        write_picture(icicle([one, *others]), output)
    if json_:
        print_json(difference_to_json(one, *others) if others else one.to_json())
        return
    console = Console()
    console.print(difference_summary(one, *others) if others else blame_summary(one))
    if output:
        console.print(str(output), soft_wrap=True)

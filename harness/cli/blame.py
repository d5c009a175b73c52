"""samfit blame: which modules hold the memory at the peak."""

from pathlib import Path
from typing import Annotated

import typer

import samfit
from samfit.harness.cli.instrument import ChosenInstrument, say_why_traced
from samfit.harness.cli.options import takes_cell
from samfit.harness.cli.output import Json, plain_interrupt, print_answer, print_json
from samfit.harness.record.cell import Cell


@takes_cell
def blame(
    cell: Cell,
    against: Annotated[
        str | None,
        typer.Option(
            metavar='"ADAPTER OPTIONS"',
            help="Compare with a second step; options that it does not name are those of the "
            "first.",
        ),
    ] = None,
    instrument: ChosenInstrument = None,
    output: Annotated[Path | None, typer.Option(help="Draw it, too: a .png or .svg file.")] = None,
    json_: Json = False,
) -> None:
    """Show which modules hold the memory at the peak, and why another step needs more or less.

    Needs no GPU.
    """
    from samfit.harness.cli.against import cell_against
    from samfit.harness.report.blame.plot import icicle
    from samfit.harness.report.blame.table import blame_summary, difference_summary
    from samfit.harness.report.kit.picture import check_picture, write_picture

    if output:
        check_picture(output)
    other = None if against is None else cell_against(cell, against)
    say_why_traced(cell, instrument)
    with plain_interrupt():
        answer = samfit.blame(cell, other, instrument)
    both = [answer] if isinstance(answer, samfit.Blame) else [answer.one, answer.other]
    if output:
        write_picture(icicle(both), output)
    if json_:
        print_json(answer.to_json())
    else:
        shown = difference_summary(*both) if len(both) > 1 else blame_summary(*both)
        print_answer(shown, [output])

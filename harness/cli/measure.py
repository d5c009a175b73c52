"""samfit measure: one step, run on this machine."""

from typing import Annotated

import typer

import samfit
from samfit.harness.cli.options import cell_from_options, takes
from samfit.harness.cli.output import Json, interruptible, messages, print_record
from samfit.harness.record.cell import Cell, Device


@takes("cell", cell_from_options, leave_out=("device", "compute_capability"))
def measure(
    cell: Cell,
    device: Annotated[
        Device | None,
        typer.Option(help="Where the step runs. Default: the GPU if there is one, else the CPU."),
    ] = None,
    json_: Json = False,
) -> None:
    """Measure memory and time of one step on this machine, in a process of its own."""
    with interruptible("; nothing was measured"), messages.status(f"measuring {cell.adapter}"):
        record = samfit.measure(cell, device)
    print_record(record, json_)

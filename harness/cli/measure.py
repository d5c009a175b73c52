"""samfit measure: one step, run on this machine."""

from dataclasses import replace
from typing import Annotated

import typer

from samfit.errors import UserError
from samfit.harness.cli.options import cell_from_options, takes
from samfit.harness.cli.output import (
    Json,
    messages,
    print_record,
)
from samfit.harness.record.cell import Cell, Device


@takes("cell", cell_from_options, leave_out=("device", "compute_capability"))
def measure(
    cell: Cell,
    device: Annotated[
        Device | None, typer.Option(help="The card without, if there is one.")
    ] = None,
    json_: Json = False,
) -> None:
    """Measure one step on this machine, in a process of its own."""
    from samfit.harness.run.isolate import Worker
    from samfit.harness.run.task import Task

    try:
        with Worker() as worker:
            cell = replace(cell, device=device or ("cuda" if worker.machine["gpu"] else "cpu"))
            capability = worker.machine["gpu_capability"]
            if cell.device == "cuda" and capability:
                cell = replace(cell, compute_capability=capability)
            with messages.status(f"measuring {cell.key} on {cell.device}"):
                record = worker.run(Task("measure", cell))
    except KeyboardInterrupt:
        raise UserError("interrupted; nothing was measured.") from None
    print_record(record, json_)

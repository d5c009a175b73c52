"""Measure one step in a process of its own. Needs no torch."""

from dataclasses import replace

from samfit.harness.record.cell import Cell, Device
from samfit.harness.record.record import Record
from samfit.harness.run.process import WorkerProcess
from samfit.harness.run.task import Task


def measure(cell: Cell, device: Device | None = None) -> Record:
    """Run the step of ``cell`` on this machine, in a fresh process: its memory and its time.

    Running out of memory is a result: the record's status is ``oom``.

    Args:
        device: where it runs. Default: the Cell's device, but the CPU if there is no GPU.

    Raises:
        UserError: for a Cell that cannot be built, or a device that is not there.
    """
    with WorkerProcess() as worker:
        machine = worker.machine
        cell = replace(cell, device=device or (cell.device if machine["gpu"] else "cpu"))
        if cell.device == "cuda" and machine["gpu_capability"]:
            cell = replace(cell, compute_capability=machine["gpu_capability"])
        return Record.from_json(worker.ask(Task("measure", cell).to_json()))

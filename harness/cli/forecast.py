"""What is said before a training: the memory of its step, and whether the card at hand has it."""

from dataclasses import replace

import samfit
from samfit import UserError
from samfit.harness.cli.output import Bars
from samfit.harness.record.cell import Cell, Device
from samfit.units import GIB


def say_step_memory(cell: Cell, device: Device | None) -> None:
    """Say what a training step of ``cell`` is predicted to take on the device at hand.

    It is traced, in less than a second; other programs on the card have what they have. On a CPU
    nothing is said of what fits: the system may swap.

    Raises:
        UserError: for a Cell that cannot be trained.
    """
    import torch

    on_gpu = device == "cuda" or (device is None and torch.cuda.is_available())
    cell = replace(cell, device="cuda" if on_gpu else "cpu", checkpoint=None)
    try:
        taken = _predicted_bytes(cell, torch.cuda.get_device_capability() if on_gpu else None)
    except UserError:
        raise
    except Exception as error:  # whatever a new torch raises: training can do without
        Bars().say(f"the memory of a step could not be predicted ({error})")
        return
    words = f"a training step takes {taken / GIB:.2f} GiB, as predicted"
    if on_gpu:
        free, _ = torch.cuda.mem_get_info()
        words += f"; {torch.cuda.get_device_name()} has {free / GIB:.2f} GiB free: "
        words += "it fits" if taken <= free else _advice(cell)
    Bars().say(words)


def _predicted_bytes(cell: Cell, capability: tuple[int, int] | None) -> int:
    """What PyTorch's allocator reserves on a card; on a CPU, what is allocated."""
    own = replace(cell, compute_capability="{}.{}".format(*capability)) if capability else cell
    try:
        memory = samfit.predict(own, "trace").memory
    except UserError:  # no such card is known; or it is a mistake, and is raised again
        memory = samfit.predict(cell, "trace").memory
    assert memory is not None
    return memory.peak_reserved_bytes or memory.peak_allocated_bytes


def _advice(cell: Cell) -> str:
    return (
        f"it does not fit; samfit fit {cell.adapter} --backbone {cell.backbone} says which "
        "--batch-size and levers do"
    )

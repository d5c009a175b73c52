"""The history that PyTorch's allocator keeps, as a Trace: every allocation, also those in kernels.

The history gives sizes and order; a witness, who saw the step's operators, says what each was for.
"""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import torch

from samfit.harness.trace.inside import cublas
from samfit.harness.trace.trace import WORKSPACE, Allocation, Trace

BORN, DIED = "alloc", "free_completed"
MOST_EVENTS = 10**7  # a step of ViT-H has a few ten thousand

Event = dict[str, Any]


class Mark(NamedTuple):
    """What ran until the history had so many events.

    Attributes:
        tensors: those that were new then, by their address.
        copies: sizes of the operands of a convolution; what else it allocates inside is a workspace
            of cuDNN, which PyTorch can do without. None for other operators.
    """

    events: int
    phase: str
    module: str
    tensors: dict[int, Allocation]
    copies: Collection[int] | None = None


def start_history() -> None:
    """Let the allocator note each allocation and free, without the stacks that led to it."""
    torch.cuda.memory._record_memory_history("all", context=None, max_entries=MOST_EVENTS)


def events_so_far() -> int:
    """The number of allocations and frees since the process began."""
    counted = torch._C._cuda_memoryStats(torch.cuda.current_device())["allocation"]["all"]
    return counted["allocated"] + counted["freed"]


def read_history() -> list[Event]:
    """The allocations and frees since ``start_history``, in their order."""
    entries = torch.cuda.memory._snapshot()["device_traces"][torch.cuda.current_device()]
    return [entry for entry in entries if entry["action"] in (BORN, DIED)]


def trace_of(history: Sequence[Event], marks: Sequence[Mark]) -> Trace:
    """The Trace that a history and the marks of a witness give together.

    What belongs to no tensor that the witness saw, a kernel has allocated inside: for itself, or,
    if it outlives its operator, for a library, which keeps it.
    """
    trace, begin = Trace(), 0
    alive: dict[int, Allocation] = {}
    for mark in marks:
        of_tensors: dict[int, Allocation] = {}
        inside: list[Allocation] = []
        for event in history[begin : mark.events]:
            if event["action"] == DIED:
                trace.free(alive.pop(event["addr"]))
                continue
            made = trace.add(event["size"], mark.phase, mark.module, WORKSPACE)
            alive[event["addr"]] = of_tensors[event["addr"]] = made
            inside.append(made)
        for address, tensor in mark.tensors.items():  # the last at an address is the tensor's
            if address in of_tensors:
                of_tensors[address].category = tensor.category
                of_tensors[address].module = tensor.module
        for made in inside:
            if made.category == WORKSPACE:
                _explain(made, mark)
        begin = mark.events
    _recognise_workspaces(trace)
    return trace


def _recognise_workspaces(trace: Trace) -> None:
    """Mark those of steps without a witness: they have the sizes of those of the step with one."""
    sizes = {made.nbytes for made in trace.allocations if made.soft}
    for made in trace.allocations:
        if made.category == WORKSPACE and made.died is not None:
            made.soft = made.soft or made.nbytes in sizes


def _explain(made: Allocation, mark: Mark) -> None:
    """Say how what was allocated inside an operator would be on another card."""
    if made.died is not None:
        made.soft = mark.copies is not None and made.nbytes not in mark.copies
        return
    made.module = ""
    if made.nbytes in cublas.SIZES:
        made.bytes_on = cublas.workspace_bytes

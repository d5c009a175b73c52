"""What CUDA adds to a trace, and what its allocator reports."""

import functools
import os
from dataclasses import replace

import torch

from samfit.harness.device import nvml
from samfit.harness.memory.figures import Memory
from samfit.harness.trace.trace import UNTRACED

# The spelling that every version reads, and the newer: neither may say what nobody asked for.
ALLOCATOR_VARIABLES = ("PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_ALLOC_CONF")


def set_allocator_options(text: str) -> None:
    """Give this process, before it uses CUDA, these options of the allocator and no others."""
    for name in ALLOCATOR_VARIABLES:
        os.environ.pop(name, None)
    if text:
        os.environ[ALLOCATOR_VARIABLES[0]] = text


@functools.cache
def foreign_bytes() -> int | None:
    """Bytes on the card in use by others, None if the driver does not say.

    Call it before anything starts CUDA in this process, whose context would count as foreign; the
    answer is kept.
    """
    usage = nvml.usage()
    return None if usage is None else usage.used_bytes


def read_cuda() -> Memory:
    """What CUDA's allocator reports since its peaks were reset, and what the driver reports now.

    Where the driver hides processes, as in most containers, what has come into use since the start
    is taken for this process's.
    """
    usage, foreign = nvml.usage(), foreign_bytes()
    own = None if usage is None else usage.by_process.get(os.getpid())
    if own is None and usage is not None and foreign is not None:
        own = usage.used_bytes - foreign
    return Memory(
        instrument="cuda",
        peak_allocated_bytes=torch.cuda.max_memory_allocated(),
        peak_reserved_bytes=torch.cuda.max_memory_reserved(),
        process_bytes=own,
        other_processes_bytes=foreign,
        device_bytes=torch.cuda.get_device_properties(nvml.CARD).total_memory,
    )


def explain(measured: Memory, traced: Memory) -> Memory:
    """``measured`` with the breakdown, phase, module and timeline of the same step as ``traced``.

    What the allocator counts beyond the trace (workspaces, its rounding) is shown as untraced. If
    it counts less, the trace is wrong about this step and explains nothing: no breakdown.
    """
    untraced = measured.peak_allocated_bytes - traced.peak_allocated_bytes
    breakdown = {**(traced.breakdown_bytes or {}), UNTRACED: untraced}
    return replace(
        measured,
        breakdown_bytes=breakdown if untraced >= 0 else None,
        peak_phase=traced.peak_phase,
        peak_module=traced.peak_module,
        timeline=traced.timeline,
    )

"""What CUDA adds to a trace, and what CUDA, its allocator and its driver report."""

import functools
import os
from dataclasses import replace

import pynvml
import torch

from harness.memory.trace import UNTRACED
from harness.record import Memory

# cuBLAS takes a workspace from the caching allocator for each thread that calls it, and keeps it:
# one for forward, one for autograd's backward thread. Sizes: ATen, CublasHandlePool.cpp, whose
# default is ":4096:2:16:8" in KiB, and 32 MiB on Hopper.
CUBLAS_WORKSPACE = 2 * 4096 * 1024 + 8 * 16 * 1024
CUBLAS_WORKSPACE_HOPPER = 32 * 1024 * 1024
HOPPER = (9, 0)
CARD = 0  # the device "cuda" is the first visible card


def cublas_workspace_bytes() -> int:
    """Workspace of one thread on this machine's card; without one, on any card but a Hopper."""
    if torch.cuda.is_available() and torch.cuda.get_device_capability(CARD) == HOPPER:
        return CUBLAS_WORKSPACE_HOPPER
    return CUBLAS_WORKSPACE


@functools.cache
def foreign_bytes() -> int | None:
    """Bytes on the card in use by others, None if the driver does not say.

    Call it before anything starts CUDA in this process, whose context would count as foreign; the
    answer is kept.
    """
    return _driver_view()[1]


def read_cuda() -> Memory:
    """What CUDA's allocator reports since its peaks were reset, and what the driver reports now.

    Where the driver hides processes, as in most containers, what has come into use since the start
    is taken for this process's.
    """
    own, used = _driver_view()
    foreign = foreign_bytes()
    if own is None and used is not None and foreign is not None:
        own = used - foreign
    return Memory(
        instrument="cuda",
        peak_allocated_bytes=torch.cuda.max_memory_allocated(),
        peak_reserved_bytes=torch.cuda.max_memory_reserved(),
        process_bytes=own,
        other_processes_bytes=foreign,
        device_bytes=torch.cuda.get_device_properties(CARD).total_memory,
    )


def explain(measured: Memory, traced: Memory) -> Memory:
    """``measured`` with the breakdown, phase, module and timeline of the same step as ``traced``.

    What the allocator counts beyond the trace (workspaces, its rounding) is shown as untraced.
    """
    assert traced.breakdown_bytes is not None
    untraced = measured.peak_allocated_bytes - traced.peak_allocated_bytes
    return replace(
        measured,
        breakdown_bytes={**traced.breakdown_bytes, UNTRACED: untraced},
        peak_phase=traced.peak_phase,
        peak_module=traced.peak_module,
        timeline=traced.timeline,
    )


def _driver_view() -> tuple[int | None, int | None]:
    """Bytes on the card of this process and of all processes; None where it is hidden."""
    try:
        pynvml.nvmlInit()
        # The only way to NVML's number of a card (it ignores CUDA_VISIBLE_DEVICES) that does not
        # start CUDA.
        handle = pynvml.nvmlDeviceGetHandleByIndex(torch.cuda._get_nvml_device_index(CARD))
        processes = pynvml.nvmlDeviceGetComputeRunningProcesses(handle)
        used = pynvml.nvmlDeviceGetMemoryInfo(handle).used
    except (pynvml.NVMLError, RuntimeError):
        return None, None
    return next((p.usedGpuMemory for p in processes if p.pid == os.getpid()), None), used

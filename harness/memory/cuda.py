"""What CUDA adds to a trace, and what CUDA, its allocator and its driver report."""

import os
from typing import Any

import pynvml
import torch

# cuBLAS takes a workspace from the caching allocator for each thread that calls it, and keeps it:
# one for forward, one for autograd's backward thread. Sizes: ATen, CublasHandlePool.cpp, whose
# default is ":4096:2:16:8" in KiB, and 32 MiB on Hopper.
CUBLAS_WORKSPACE = 2 * 4096 * 1024 + 8 * 16 * 1024
CUBLAS_WORKSPACE_HOPPER = 32 * 1024 * 1024
HOPPER = (9, 0)


def cublas_workspace_bytes() -> int:
    """Workspace of one thread on this machine's card, or on cards before and after Hopper."""
    if torch.cuda.is_available() and torch.cuda.get_device_capability() == HOPPER:
        return CUBLAS_WORKSPACE_HOPPER
    return CUBLAS_WORKSPACE


def process_memory() -> tuple[int | None, int | None]:
    """Bytes on the current card held by this process and by all others, as the driver counts.

    The driver may hide processes, as in most containers: then the first is None, and the second is
    what it counts beyond this process's reserved memory only if that is nothing yet.
    """
    try:
        pynvml.nvmlInit()
        handle = _handle()
        processes = pynvml.nvmlDeviceGetComputeRunningProcesses(handle)
        used = pynvml.nvmlDeviceGetMemoryInfo(handle).used
    except pynvml.NVMLError:
        return None, None
    own = next((p.usedGpuMemory for p in processes if p.pid == os.getpid()), None)
    return own, used - (own or 0)


def _handle() -> Any:
    """NVML's handle of torch's current card; NVML numbers cards without CUDA_VISIBLE_DEVICES."""
    uuid = str(torch.cuda.get_device_properties(torch.cuda.current_device()).uuid)
    return pynvml.nvmlDeviceGetHandleByUUID(uuid if uuid.startswith("GPU-") else f"GPU-{uuid}")

"""The driver's own view of the card, through NVML; asking never starts CUDA."""

import os
from dataclasses import dataclass
from typing import Any

import pynvml
import torch

from samfit.harness.device.stood_in import STOOD_IN

CARD = 0  # the device "cuda" is the first visible card


@dataclass(frozen=True)
class Usage:
    """Bytes in use on the card: by each process that the driver shows, and in all."""

    by_process: dict[int, int]
    used_bytes: int


def card() -> dict[str, Any]:
    """What the driver says about the card, named as in a record; None for each without a card."""
    handle = _handle()
    if handle is None or not torch.cuda.is_available():
        return dict.fromkeys(("gpu", "gpu_memory_bytes", "gpu_capability", "driver"))
    major, minor = pynvml.nvmlDeviceGetCudaComputeCapability(handle)
    return {
        "gpu": pynvml.nvmlDeviceGetName(handle),
        "gpu_memory_bytes": pynvml.nvmlDeviceGetMemoryInfo(handle).total,
        "gpu_capability": f"{major}.{minor}",
        "driver": pynvml.nvmlSystemGetDriverVersion(),
    }


def usage() -> Usage | None:
    """What is in use on the card now; None without a card."""
    handle = _handle()
    if handle is None:
        return None
    processes = pynvml.nvmlDeviceGetComputeRunningProcesses(handle)
    # The second version tells apart what the driver keeps for itself, which nobody can use.
    memory = pynvml.nvmlDeviceGetMemoryInfo(handle, version=pynvml.nvmlMemory_v2)
    return Usage(
        by_process={p.pid: p.usedGpuMemory for p in processes if p.usedGpuMemory is not None},
        used_bytes=memory.total - memory.free - memory.reserved,
    )


def _handle() -> Any:
    """NVML's handle of the card, or None.

    NVML ignores CUDA_VISIBLE_DEVICES; torch's private translation of card numbers does not, and is
    the only one that leaves CUDA alone. It fails where all cards are hidden.
    """
    if STOOD_IN in os.environ:
        return None
    try:
        pynvml.nvmlInit()
        return pynvml.nvmlDeviceGetHandleByIndex(torch.cuda._get_nvml_device_index(CARD))
    except (pynvml.NVMLError, RuntimeError, IndexError):
        return None

"""How torch and the libraries below it say that memory is used up."""

import torch

# Where torch has no exception for it.
SIGNS = (
    "DefaultCPUAllocator",
    "CUDA error: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
    "CUFFT_ALLOC_FAILED",
)


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether torch says that the device's memory, or the host's, is used up."""
    words = str(error)
    return isinstance(error, torch.OutOfMemoryError) or any(sign in words for sign in SIGNS)


def first_line(error: Exception) -> str:
    """What an error says, without the stack of C++ frames that torch may append."""
    return str(error).partition("\n")[0]

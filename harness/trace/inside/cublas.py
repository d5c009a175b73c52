"""What cuBLAS takes from PyTorch's allocator. Needs no torch."""

from importlib.metadata import version

from samfit.harness.trace.gpu import Gpu, major
from samfit.units import MIB

# Sizes: ATen, CublasHandlePool.cpp, whose default is ":4096:2:16:8" in KiB, and 32 MiB from Hopper
# on; cuBLASLt uses the same. The variable CUBLAS_WORKSPACE_CONFIG, which replaces them, is not
# modelled.
WORKSPACE = 2 * 4 * MIB + 8 * MIB // 64
WORKSPACE_SINCE_HOPPER = 32 * MIB
SIZES = WORKSPACE, WORKSPACE_SINCE_HOPPER  # by which one is known: whole units of the allocator
HOPPER = 9


def workspace_bytes(gpu: Gpu) -> int:
    """Workspace of one thread on this card."""
    return WORKSPACE_SINCE_HOPPER if major(gpu) >= HOPPER else WORKSPACE


# From torch 2.15 on a product's workspace is freed with it, unless TORCH_CUBLAS_WORKSPACE_CACHE is
# set, which is not modelled. Before, each thread that has computed a product keeps one: one for
# forward, one for autograd's backward thread.
KEEPS_WORKSPACE = tuple(int(part) for part in version("torch").split(".")[:2]) < (2, 15)

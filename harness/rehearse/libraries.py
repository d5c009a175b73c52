"""What a fork should find loaded, and what it should do without."""

import ctypes
import functools
import re
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import torch


@functools.cache
def load_cudnn() -> None:
    """Load what cuDNN loads when it first chooses a convolution, once for all forks.

    Otherwise each fork does.
    """
    loaded = re.search(r"\S+/libcudnn\.so\S*", Path("/proc/self/maps").read_text())
    for path in sorted(Path(loaded[0]).parent.glob("libcudnn_*.so*")) if loaded else ():
        ctypes.CDLL(str(path), mode=ctypes.RTLD_GLOBAL)


def lacks_kernels_for(compute_capability: str) -> str | None:
    """What is to be said of a card for which the installed torch has no kernels; None if it has."""
    oldest = min(int(arch.partition("_")[2].rstrip("af")) for arch in torch.cuda.get_arch_list())
    if 10 * float(compute_capability) >= oldest:
        return None
    return (
        f"torch {torch.__version__} has no kernels for compute capability {compute_capability}: "
        "the step is rehearsed as if it had those of the oldest that it has some for"
    )


def without_compiler() -> AbstractContextManager[object]:
    """Let torch run its own kernels where newer versions would have Triton compile others.

    To compile takes a C compiler and a driver, and changes no allocation: both kernels write to a
    result that torch has made.
    """
    native = getattr(torch.backends, "python_native", None)  # since torch 2.12
    return nullcontext() if native is None else native.triton.disabled()

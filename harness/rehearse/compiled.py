"""Kernels that torch compiles when they are first used."""

from contextlib import AbstractContextManager, nullcontext

import torch


def without_compiler() -> AbstractContextManager[object]:
    """Let torch run its own kernels where newer versions would have Triton compile others.

    To compile takes a C compiler and a driver, and changes no allocation: both kernels write to a
    result that torch has made.
    """
    native = getattr(torch.backends, "python_native", None)  # since torch 2.12
    return nullcontext() if native is None else native.triton.disabled()

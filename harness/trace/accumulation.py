"""Gradients that meet: autograd adds them in place, unless a dispatch mode is active."""

import sys
from types import FrameType
from typing import Any

import torch
from torch import Tensor

from samfit.harness.trace.layout import is_dense

# References to a tensor and to its storage, those of the mode included, if nothing else has any.
ONLY_AUTOGRAD = (4, 2)
ENGINE = "_engine_run_backward"  # torch.autograd.graph; on CUDA backward has a thread of its own


def adds_in_place(old: Any, new: Any, *_: Any) -> bool:
    """Whether autograd would add the gradient ``new`` to ``old`` without a mode that watches.

    To be asked from a mode's ``__torch_dispatch__`` for each sum. Autograd adds in place what
    nothing else holds (torch/csrc/autograd/input_buffer.cpp, can_accumulate_inplace), but for it a
    mode makes every tensor one that it must not touch.
    """
    caller: FrameType | None = sys._getframe(1).f_back
    if caller is not None and caller.f_code.co_name != ENGINE:
        return False
    if not (isinstance(old, Tensor) and isinstance(new, Tensor)):
        return False
    storage = torch._C._storage_Use_Count(old.untyped_storage()._cdata)
    tensor: Any = old  # torch does not declare the count
    return (tensor._use_count(), storage) == ONLY_AUTOGRAD and is_dense(old)

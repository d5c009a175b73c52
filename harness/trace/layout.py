"""The order in which the elements of a tensor lie in memory."""

from collections.abc import Iterable

import torch
from torch import Tensor
from torch._prims_common import suggest_memory_format as own_layout


def common_layout(one: Tensor, other: Tensor) -> torch.memory_format:
    """As cuDNN computes: channels last if one of both is (ATen, ConvUtils.h, cudnn_conv_suggest_memory_format)."""
    if torch.channels_last in (own_layout(one), own_layout(other)):
        return torch.channels_last
    return torch.contiguous_format


def lies(t: Tensor, layout: torch.memory_format) -> bool:
    """Whether the elements of ``t`` lie so; else a kernel copies it."""
    return t.is_contiguous(memory_format=layout)


def empty_in(layout: torch.memory_format, like: Tensor) -> Tensor:
    """A tensor of the shape and type of ``like``, whose elements lie so."""
    return torch.empty(like.shape, dtype=like.dtype, device=like.device, memory_format=layout)


def merged(dims: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """(stride, size) of dimensions, those that continue the one before as one with it."""
    found: list[tuple[int, int]] = []
    for stride, size in dims:
        if found and found[-1][0] * found[-1][1] == stride:
            found[-1] = (found[-1][0], found[-1][1] * size)
        else:
            found.append((stride, size))
    return found


def is_dense(t: Tensor) -> bool:
    """Whether the elements fill their piece of memory, in any order, each its own place."""
    dims = sorted(zip(t.stride(), t.shape, strict=True))
    return merged((s, n) for s, n in dims if n > 1) in ([], [(1, t.numel())])

"""The order in which the elements of a tensor lie in memory."""

from collections.abc import Iterable

import torch
from torch import Tensor
from torch._prims_common import suggest_memory_format as own_layout

CONTIGUOUS = torch.contiguous_format


def common_layout(one: Tensor, other: Tensor) -> torch.memory_format:
    """That in which cuDNN computes: channels last if one of both is.

    ATen, ConvUtils.h, cudnn_conv_suggest_memory_format.
    """
    last = torch.channels_last
    return last if last in (own_layout(one), own_layout(other)) else CONTIGUOUS


def lies(t: Tensor, layout: torch.memory_format) -> bool:
    """Whether the elements of ``t`` lie so; else a kernel copies it."""
    return t.is_contiguous(memory_format=layout)


def laid(like: Tensor, layout: torch.memory_format) -> Tensor:
    """A tensor without data, of the shape and type of ``like``, whose elements lie so."""
    return torch.empty(like.shape, dtype=like.dtype, device="meta", memory_format=layout)


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

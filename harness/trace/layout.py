"""The order in which the elements of images lie in memory, as CUDA's convolutions choose it."""

import torch
from torch import Tensor
from torch._prims_common import suggest_memory_format as own_layout


def common_layout(one: Tensor, other: Tensor) -> torch.memory_format:
    """Channels last if one of both is (ATen, ConvUtils.h, cudnn_conv_suggest_memory_format)."""
    if torch.channels_last in (own_layout(one), own_layout(other)):
        return torch.channels_last
    return torch.contiguous_format


def lies(t: Tensor, layout: torch.memory_format) -> bool:
    """Whether the elements of ``t`` lie so; else a kernel copies it."""
    return t.is_contiguous(memory_format=layout)


def empty_in(layout: torch.memory_format, like: Tensor) -> Tensor:
    """A tensor of the shape and type of ``like``, whose elements lie so."""
    return torch.empty(like.shape, dtype=like.dtype, device=like.device, memory_format=layout)

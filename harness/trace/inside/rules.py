"""The rules: what operators allocate inside on CUDA, played in the order of their kernels.

They were read in PyTorch's sources, which each names below aten/src/ATen/native, and compared with
what its CUDA build allocates.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from samfit.harness.trace.inside.attention import (
    efficient_attention,
    efficient_attention_backward,
    flash_attention_backward,
)
from samfit.harness.trace.inside.convolution import convolution, convolution_backward
from samfit.harness.trace.inside.kernel import Kernel
from samfit.harness.trace.inside.norm import layer_norm, layer_norm_backward
from samfit.harness.trace.inside.reduction import reduction
from samfit.harness.trace.layout import own_layout

aten = torch.ops.aten


def softmax_backward(kernel: Kernel, result: Tensor, grad: Tensor, output: Tensor, *_: Any) -> None:
    """``grad * output``, beside the result: cuda/SoftMax.cu, softmax_backward_cuda_out."""
    kernel.make(result)
    kernel.take(output.nbytes)


def safe_softmax(kernel: Kernel, result: Tensor, input: Tensor, dim: int, *_: Any) -> None:
    """The result; then a byte for each element, whether it is -inf, and one for each row:
    transformers/attention.cpp, _safe_softmax."""
    kernel.make(result)
    kernel.take(input.numel())
    kernel.take(input.numel() // input.shape[dim])
    kernel.take(1)


def dropout(kernel: Kernel, result: Any, *_: Any) -> None:
    """The mask, then the output: cuda/Dropout.cu, dropout_cuda."""
    output, mask = result
    kernel.make(mask)
    kernel.make(output)


def max_pooling(kernel: Kernel, result: Any, input: Tensor, *_: Any) -> None:
    """The maxima, where they were, and the input in its layout: cuda/DilatedMaxPool2d.cu."""
    for each in result:
        kernel.make(each)
    kernel.take_copies(own_layout(input), input)


def max_pooling_backward(
    kernel: Kernel, result: Tensor, grad: Tensor, input: Tensor, *how: Any
) -> None:
    """The gradient, and all that it is made of in the input's layout: cuda/DilatedMaxPool2d.cu."""
    kernel.make(result)
    kernel.take_copies(own_layout(input), grad, input, how[-1])


def pooling_backward(kernel: Kernel, result: Tensor, grad: Tensor, input: Tensor) -> None:
    """The gradient in the input's layout: cuda/AdaptiveAveragePooling.cu."""
    kernel.make(result)
    kernel.take_copies(own_layout(input), grad)


RULES: dict[Any, Callable[..., None]] = {
    aten._adaptive_avg_pool2d_backward.default: pooling_backward,
    aten._safe_softmax.default: safe_softmax,
    aten._softmax_backward_data.default: softmax_backward,
    aten.native_dropout.default: dropout,
    aten.native_layer_norm.default: layer_norm,
    aten.native_layer_norm_backward.default: layer_norm_backward,
    aten._scaled_dot_product_efficient_attention.default: efficient_attention,
    aten._scaled_dot_product_efficient_attention_backward.default: efficient_attention_backward,
    aten._scaled_dot_product_flash_attention_backward.default: flash_attention_backward,
    aten.max_pool2d_with_indices.default: max_pooling,
    aten.max_pool2d_with_indices_backward.default: max_pooling_backward,
    aten.convolution.default: convolution,
    aten.convolution_backward.default: convolution_backward,
    aten.sum.dim_IntList: reduction,
    aten.mean.dim: reduction,
}

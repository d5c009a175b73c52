"""What convolutions allocate inside: operands in one layout, and cuDNN's workspaces.

Sources: ATen/native, Convolution.cpp and cudnn/ConvShared.cpp.
"""

from typing import Any

import torch
from torch import Tensor

from samfit.harness.trace.inside.cudnn import Convolution, Direction
from samfit.harness.trace.inside.kernel import Kernel
from samfit.harness.trace.inside.reduction import reduction
from samfit.harness.trace.layout import common_layout, laid, own_layout


def convolution(
    kernel: Kernel, result: Tensor, input: Tensor, weight: Tensor, bias: Tensor | None, *how: Any
) -> None:
    """The input in the layout that both operands share, then what cuDNN takes.

    It computes a transposed convolution as the gradient of one, for its input.
    """
    layout, transposed = common_layout(input, weight), how[3]
    kernel.take_copies(layout, input)
    kernel.make(result)
    direction: Direction = "dgrad" if transposed else "fwd"
    _cudnn(kernel, direction, layout, (weight,), (input, weight, result), how)


def convolution_backward(
    kernel: Kernel, result: Any, grad: Tensor, input: Tensor, weight: Tensor, bias: Any, *how: Any
) -> None:
    """As the convolution itself, for each gradient that is wanted; the bias's is a sum."""
    of_input, of_weight, of_bias = result
    transposed, layout, given = how[3], common_layout(input, weight), grad
    held = []
    if of_weight is not None:
        held = kernel.take_copies(layout, input)
        input = laid(input, layout)
    if own_layout(grad) != own_layout(input):
        held.append(kernel.take(grad.nbytes))
        grad = laid(grad, own_layout(input))
    shapes = (input, weight, grad)
    if of_input is not None:
        kernel.make(of_input)
        layout = common_layout(grad, weight)
        _cudnn(kernel, "fwd" if transposed else "dgrad", layout, (weight, grad), shapes, how)
    if of_weight is not None:
        layout = common_layout(grad, input)
        copies = kernel.take_copies(layout, grad, input)
        kernel.make(of_weight)
        _cudnn(kernel, "wgrad", layout, (), shapes, how)
        kernel.give(*copies)
    kernel.give(*held)
    if of_bias is not None:
        reduction(kernel, of_bias, given, [0, 2, 3])


def _cudnn(
    kernel: Kernel, direction: Direction, layout: torch.memory_format,
    operands: tuple[Tensor, ...], shapes: tuple[Tensor, Tensor, Tensor], how: Any,
) -> None:  # fmt: skip
    """Copies of ``operands`` and a workspace, until cuDNN has computed a convolution.

    A depthwise one has no workspace: torch computes it itself (Convolution.cpp,
    use_cudnn_depthwise), or, where channels lie last, cuDNN does, which took 0.1 MiB in backward
    for 256 channels of 256 x 256.

    ``shapes`` are its input, weight and output.
    """
    stride, _, dilation, transposed, _, groups = how[:6]
    copies = kernel.take_copies(layout, *operands)
    if 1 < groups == shapes[1].shape[0]:
        kernel.give(*copies)
        return
    x, w, y = reversed(shapes) if transposed else shapes
    spec = Convolution(
        direction, tuple(x.shape), tuple(w.shape), tuple(y.shape), stride[0],
        dilation[0], x.dtype, layout == torch.channels_last,
    )  # fmt: skip
    kernel.give(kernel.take_workspace(spec), *copies)

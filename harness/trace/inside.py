"""What CUDA's kernels allocate inside: taken after an operator begins, freed before it returns.

The dispatcher shows what operators return, and nothing of this. Each rule here plays what one
operator takes and frees on CUDA, in its order; ``RULES`` has them by operator. They were read in
PyTorch's sources, which each names below aten/src/ATen/native, and compared with what its CUDA
build allocates.

Letters in shapes: B images or windows, H heads, N tokens, D channels of a head.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from samfit.harness.trace.convolutions import Convolution, Direction
from samfit.harness.trace.gpu import Gpu, has_large_shared_memory
from samfit.harness.trace.layout import common_layout, empty_in, lies, own_layout
from samfit.harness.trace.reductions import Reduction
from samfit.harness.trace.trace import TEMPORARIES, WORKSPACE, Allocation, BytesOn, Trace

aten = torch.ops.aten
FLOAT_BYTES = 4
Layout = torch.memory_format
CONTIGUOUS = torch.contiguous_format


class Kernel:
    """An operator that runs on a card, as a rule plays it.

    What it takes is freed when the ``with`` block ends, or before.
    """

    def __init__(
        self,
        trace: Trace,
        gpu: Gpu,
        phase: str,
        module: str,
        make: Callable[[Tensor], object],
    ) -> None:
        self._trace, self._phase, self._module = trace, phase, module
        self._gpu, self._make = gpu, make
        self._taken: list[Allocation] = []

    def __enter__(self) -> "Kernel":
        return self

    def __exit__(self, *error: Any) -> None:
        self.give(*reversed(self._taken))

    def make(self, result: Tensor | None) -> None:
        """Allocate a result, if it is wanted. What is not made by a rule is made after it."""
        if result is not None:
            self._make(result)

    def take(self, nbytes: int | BytesOn, category: str = TEMPORARIES) -> Allocation:
        """Allocate scratch; its size may depend on the card."""
        size = nbytes if isinstance(nbytes, int) else nbytes(self._gpu)
        taken = self._trace.add(size, self._phase, self._module, category)
        taken.bytes_on = None if isinstance(nbytes, int) else nbytes
        self._taken.append(taken)
        return taken

    def take_copies(self, layout: Layout, *tensors: Tensor) -> list[Allocation]:
        """Allocate copies in ``layout`` of those of ``tensors`` that lie otherwise."""
        return [self.take(t.nbytes) for t in tensors if not lies(t, layout)]

    def take_workspace(self, convolution: Convolution) -> Allocation:
        """Allocate a convolution's workspace; a smaller card goes without."""
        taken = self.take(convolution.workspace_bytes, WORKSPACE)
        taken.soft = True
        return taken

    def give(self, *taken: Allocation) -> None:
        """Free what was taken."""
        for allocation in taken:
            self._taken.remove(allocation)
            self._trace.free(allocation)


def softmax_backward(kernel: Kernel, result: Tensor, grad: Tensor, output: Tensor, *_: Any) -> None:
    """``grad * output``, beside the result: cuda/SoftMax.cu, softmax_backward_cuda_out."""
    kernel.make(result)
    kernel.take(output.nbytes)


def layer_norm(kernel: Kernel, result: Any, input: Tensor, *_: Any) -> None:
    """The input, contiguous: cuda/layer_norm_kernel.cu, layer_norm_cuda."""
    kernel.take_copies(CONTIGUOUS, input)
    for each in result:
        kernel.make(each)


def layer_norm_backward(
    kernel: Kernel, result: Any, grad: Tensor, input: Tensor, *_: Any
) -> None:
    """Gradient and input, contiguous: cuda/layer_norm_kernel.cu, layer_norm_backward_cuda.

    Partial sums of the weight's gradient are left out: for more than 65,536 rows and many
    multiprocessors at most 12 MiB for ViT-B.
    """
    kernel.take_copies(CONTIGUOUS, grad)
    kernel.take_copies(CONTIGUOUS, input)
    for each in result:
        kernel.make(each)


def efficient_attention_backward(
    kernel: Kernel, result: Any, grad: Tensor, q: Tensor, k: Tensor, v: Tensor, *_: Any
) -> None:
    """transformers/cuda/attention_backward.cu, _efficient_attention_backward.

    * the gradient of the output (B, N, H, D), contiguous;
    * delta, the sum over D of gradient times output, (B, H, N) in float32: computed inside the
      kernel in half precision, else as a product (B, N, H, D), its sum, and that in another order;
    * the gradient of q in blocks of I x 64 float32, each with a lock of 16 bytes:
      mem_eff_attention/kernel_backward.h, workspace_size; I is 128 for D above 64 where that many
      fit into shared memory, else 64.
    """
    (images, heads, tokens, channels), value_channels = q.shape, v.shape[3]
    rows = images * heads * tokens * FLOAT_BYTES
    kernel.take_copies(CONTIGUOUS, grad.transpose(1, 2))
    for each in result:
        kernel.make(each)
    if q.dtype == torch.float32:
        product, summed = kernel.take(rows * value_channels), kernel.take(rows)
        kernel.take(rows)
        kernel.give(product, summed)
    else:
        kernel.take(rows)


    def blocks_of_q(gpu: Gpu) -> int:
        large = has_large_shared_memory(gpu) and max(channels, value_channels) > 64
        side = 128 if large else 64
        blocks = _parts(tokens, side) * _parts(channels, 64)
        return images * heads * blocks * (16 + side * 64 * FLOAT_BYTES)

    kernel.take(blocks_of_q)


def flash_attention_backward(
    kernel: Kernel, result: Any, grad: Tensor, q: Tensor, k: Tensor, v: Tensor, out: Tensor, *_: Any
) -> None:
    """transformers/cuda/attention_backward.cu, _flash_attention_backward, and flash_api.cpp, mha_bwd.

    * gradient of the output and output (B, N, H, D), contiguous;
    * in float32 delta (B, H, N) and the gradient of q (B, N, H, D), with N rounded up to 128 and D
      to 32, or to 64 above 128.
    """
    images, heads, tokens, channels = q.shape
    kernel.take_copies(CONTIGUOUS, grad.transpose(1, 2))
    kernel.take_copies(CONTIGUOUS, out.transpose(1, 2))
    for each in result:
        kernel.make(each)
    rows = images * heads * 128 * _parts(tokens, 128) * FLOAT_BYTES
    unit = 32 if channels <= 128 else 64
    kernel.take(rows)
    kernel.take(rows * unit * _parts(channels, unit))


def convolution(
    kernel: Kernel, result: Tensor, input: Tensor, weight: Tensor, bias: Tensor | None, *how: Any
) -> None:
    """Operands in one layout, and cuDNN's workspace: Convolution.cpp, cudnn/ConvShared.cpp.

    cuDNN computes a transposed convolution as the gradient of one, for its input.
    """
    layout, transposed = common_layout(input, weight), how[3]
    kernel.take_copies(layout, input)
    kernel.make(result)
    _cudnn(kernel, "dgrad" if transposed else "fwd", layout, (weight,), (input, weight, result), how)


def convolution_backward(
    kernel: Kernel, result: Any, grad: Tensor, input: Tensor, weight: Tensor, bias: Any, *how: Any
) -> None:
    """As the convolution itself, for each gradient that is wanted; the bias's is a sum."""
    of_input, of_weight, of_bias = result
    transposed, layout, given = how[3], common_layout(input, weight), grad
    held = []
    if of_weight is not None:
        held = kernel.take_copies(layout, input)
        input = empty_in(layout, input)
    if own_layout(grad) != own_layout(input):
        held.append(kernel.take(grad.nbytes))
        grad = empty_in(own_layout(input), grad)
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
    kernel: Kernel, direction: Direction, layout: Layout,
    operands: tuple[Tensor, ...], shapes: tuple[Tensor, Tensor, Tensor], how: Any,
) -> None:  # fmt: skip
    """Copies of ``operands`` and a workspace, until cuDNN has computed a convolution.

    ``shapes`` are its input, weight and output.
    """
    stride, padding, dilation, transposed, *_ = how
    copies = kernel.take_copies(layout, *operands)
    x, w, y = reversed(shapes) if transposed else shapes
    spec = Convolution(
        direction, tuple(x.shape), tuple(w.shape), tuple(y.shape), stride[0],
        dilation[0], x.dtype, layout == torch.channels_last,
    )  # fmt: skip
    kernel.give(kernel.take_workspace(spec), *copies)


def reduction(
    kernel: Kernel, result: Tensor, input: Tensor, dims: list[int] | None = None, *_: Any
) -> None:
    """Partial sums, see ``reductions.py``."""
    kernel.make(result)
    kernel.take(Reduction.over(input, dims or []).scratch_bytes)


RULES: dict[Any, Callable[..., None]] = {
    aten._softmax_backward_data.default: softmax_backward,
    aten.native_layer_norm.default: layer_norm,
    aten.native_layer_norm_backward.default: layer_norm_backward,
    aten._scaled_dot_product_efficient_attention_backward.default: efficient_attention_backward,
    aten._scaled_dot_product_flash_attention_backward.default: flash_attention_backward,
    aten.convolution.default: convolution,
    aten.convolution_backward.default: convolution_backward,
    aten.sum.dim_IntList: reduction,
    aten.mean.dim: reduction,
}


def _parts(count: int, size: int) -> int:
    """Into how many parts of ``size`` something is cut."""
    return -(-count // size)

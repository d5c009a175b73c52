"""What fused attention allocates inside.

Letters in shapes: B images or windows, H heads, N tokens, D channels of a head. Sources are below
aten/src/ATen/native/transformers/cuda.
"""

from functools import partial
from typing import Any

import torch
from torch import Tensor

from samfit.harness.trace.gpu import Gpu, has_large_shared_memory, major
from samfit.harness.trace.inside.kernel import Kernel
from samfit.harness.trace.inside.unknown import BY_CUDNN
from samfit.harness.trace.layout import CONTIGUOUS, lies

FLOAT_BYTES = 4
Shape = tuple[int, ...]


def efficient_attention(
    kernel: Kernel, result: Any, q: Tensor, k: Tensor, v: Tensor, *_: Any
) -> None:
    """The output in float32 where half precision does not fit into registers.

    attention.cu, _efficient_attention_forward, and
    mem_eff_attention/kernel_forward.h, kNeedsOutputAccumulatorBuffer.
    """
    for each in result:
        kernel.make(each)
    if q.dtype != torch.float32 and v.shape[3] > 128:
        kernel.take(result[0].numel() * FLOAT_BYTES)


def efficient_attention_backward(
    kernel: Kernel, result: Any, grad: Tensor, q: Tensor, k: Tensor, v: Tensor, *_: Any
) -> None:
    """attention_backward.cu, _efficient_attention_backward.

    * the gradient of the output (B, N, H, D), contiguous;
    * delta, the sum over D of gradient times output, (B, H, N) in float32: computed inside the
      kernel in half precision, else as a product (B, N, H, D), its sum, and that in another order;
    * a workspace, see ``_blocks_bytes``.
    """
    kernel.take_copies(CONTIGUOUS, grad.transpose(1, 2))
    for each in result:
        kernel.make(each)
    rows = q.shape[:3].numel() * FLOAT_BYTES
    if q.dtype == torch.float32:
        product, summed = kernel.take(rows * v.shape[3]), kernel.take(rows)
        delta = kernel.take(rows)
        kernel.give(summed, product)
    else:
        delta = kernel.take(rows)
    half = q.dtype != torch.float32
    kernel.take(partial(_blocks_bytes, tuple(q.shape), k.shape[2], v.shape[3], half))
    kernel.give(delta)


def _blocks_bytes(q: Shape, keys: int, value_channels: int, half: bool, gpu: Gpu) -> int:
    """Gradients that several blocks of threads add up: mem_eff_attention/kernel_backward.h.

    That of q, in tiles of I x 64 float32, each with a lock of 16 bytes; in half precision, where D
    is above I, those of k and v, too, 64 keys for each part into which the keys are split.
    """
    images, heads, tokens, channels = q
    widest = max(channels, value_channels)
    side = 128 if widest > 64 and (half or has_large_shared_memory(gpu)) else 64
    tiles = _parts(tokens, side) * _parts(channels, 64)
    nbytes = tiles * (16 + side * 64 * FLOAT_BYTES)
    if half and widest > side:
        splits = max(1, min(_parts(keys, 64), 200 // (images * heads)))
        columns = side * (_parts(channels, side) + _parts(value_channels, side))
        nbytes += splits * 64 * columns * FLOAT_BYTES
    return images * heads * nbytes


def flash_attention_backward(
    kernel: Kernel, result: Any, grad: Tensor, q: Tensor, k: Tensor, v: Tensor, out: Tensor, *_: Any
) -> None:
    """attention_backward.cu, _flash_attention_backward; flash_attn/flash_api.cpp, mha_bwd.

    * gradient of the output and output (B, N, H, D), contiguous, unless cuDNN computes it;
    * in float32 delta (B, H, N) and the gradient of q (B, N, H, D), with N rounded up to 128 and D
      to 32, or to 64 above 128. cuDNN's workspace is not known, and taken to be as large.
    """
    images, heads, tokens, channels = q.shape
    for each in (grad, out):
        if not lies(each.transpose(1, 2), CONTIGUOUS):
            kernel.take(partial(_unless_by_cudnn, each.nbytes, channels))
    for each in result:
        kernel.make(each)
    rows = images * heads * 128 * _parts(tokens, 128) * FLOAT_BYTES
    unit = 32 if channels <= 128 else 64
    kernel.take(rows)
    kernel.take(rows * unit * _parts(channels, unit))


def _unless_by_cudnn(nbytes: int, channels: int, gpu: Gpu) -> int:
    """``nbytes``, or none where PyTorch leaves attention in half precision to cuDNN.

    With gradients, on Hopper and the larger Blackwell, for D of at most 128: cuda/sdp_utils.cpp,
    for cuDNN above 9.15 and unless TORCH_CUDNN_SDPA_DEPRIORITIZED is set. What autograd keeps has
    the same sizes in both.
    """
    return 0 if major(gpu) in BY_CUDNN and channels <= 128 else nbytes


def _parts(count: int, size: int) -> int:
    """Into how many parts of ``size`` something is cut."""
    return -(-count // size)

"""Kernels for tensors without data: those that a device would run, where torch chooses others."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from typing import Any, Literal
from unittest.mock import patch

import torch
from torch import Tensor
from torch._prims_common import suggest_memory_format
from torch.nn import functional as F

from samfit.adapters.sam.precision import autocast_dtype
from samfit.harness.trace.layout import common_layout, laid, own_layout

AttentionKernel = Literal["efficient", "flash", "math"]

FIRST_WITH_FLASH = (8, 0)  # and with units for bfloat16
WIDEST_OF_FLASH_BACKWARD = 192  # where the cards have less shared memory than those of data centres
aten = torch.ops.aten
OPTIMIZERS = import_module("torch.optim.optimizer")  # torch.optim has no such attribute
_SOFTMAX = torch.softmax
FUSED_DEVICES = "_get_fused_kernels_supported_devices"


@contextmanager
def kernels_of(device: str, compute_capability: str = "8.0") -> Iterator[None]:
    """Within it, tensors without data run the kernels that ``device`` ("cuda", "cpu") would run,
    on CUDA those of a card of this compute capability.

    * Dropout keeps a mask of bytes on CUDA, and of floats elsewhere.
    * Attention runs the kernel of ``cuda_attention_kernel`` on CUDA, and a flash kernel on a CPU;
      without a device torch would build the N x N matrix that most of them avoid.
    * Under autocast in float16 softmax takes float16 and gives float32 in one kernel on CUDA; in
      bfloat16, and elsewhere, its input is converted first.
    * Results of convolutions have the layouts that cuDNN gives them.
    * Optimizers run fused, which torch refuses where there is no device.

    Functions are replaced in torch's own modules: a mode would not be active where
    autograd computes activations again in backward.
    """
    on_cuda = device == "cuda"
    attend = partial(_cuda_attention, compute_capability) if on_cuda else _cpu_attention
    with (
        patch.object(F, "scaled_dot_product_attention", _attention(attend)),
        patch.object(F, "dropout", _cuda_dropout if on_cuda else F.dropout),
        patch.object(torch, "softmax", _cuda_softmax if on_cuda else torch.softmax),
        patch.object(Tensor, "softmax", _cuda_softmax if on_cuda else Tensor.softmax),
        patch.dict(RESULT_WITHOUT_DATA, RESULT_ON_CUDA if on_cuda else {}),
        patch.object(OPTIMIZERS, FUSED_DEVICES, lambda: ["meta", "cpu", "cuda"]),
    ):
        yield


def cuda_attention_kernel(
    dtype: torch.dtype,
    width: int,
    needs_backward: bool,
    compute_capability: str,
    masked: bool = False,
) -> AttentionKernel:
    """The kernel that torch picks for attention of heads of this width, a multiple of 8.

    ``masked`` is attention with numbers that are added to its logits. ``math`` builds the N x N
    matrix, in float32. Found by asking torch 2.14 for each of its kinds of cards; on Hopper it
    would take cuDNN's kernel for some, which is not modelled.
    """
    capability = tuple(map(int, compute_capability.split(".")))
    if dtype == torch.float32:
        return "efficient"
    if capability < FIRST_WITH_FLASH:
        return "math" if dtype == torch.bfloat16 else "efficient"
    if masked:
        return "efficient"
    little_shared_memory = (8, 6) <= capability < (9, 0) or capability >= (12, 0)
    if needs_backward and width > WIDEST_OF_FLASH_BACKWARD and little_shared_memory:
        return "efficient"
    return "flash"


def _attention(attend: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """What takes the place of torch's attention: ``attend(q, k, v, *masks, scale=scale)``."""

    def attention(
        q: Tensor,
        k: Tensor,
        v: Tensor,
        attn_mask: Tensor | None = None,
        dropout_p: float = 0.0,
        is_causal: bool = False,
        scale: float | None = None,
    ) -> Tensor:
        assert not dropout_p and not is_causal, "no SAM attends so"
        q, k, v, *masks = _as_autocast_gives_them(q, k, v, attn_mask)
        return attend(q, k, v, *masks, scale=scale)

    return attention


def _cuda_attention(
    compute_capability: str, q: Tensor, k: Tensor, v: Tensor, *masks: Tensor, scale: float | None
) -> Tensor:
    needs_backward = torch.is_grad_enabled() and any(t.requires_grad for t in (q, k, v, *masks))
    kernel = cuda_attention_kernel(
        q.dtype, q.shape[-1], needs_backward, compute_capability, masked=bool(masks)
    )
    if kernel == "math":
        return aten._scaled_dot_product_attention_math(q, k, v, *masks, scale=scale)[0]
    if kernel == "flash":
        return aten._scaled_dot_product_flash_attention(q, k, v, scale=scale)[0]
    added = _aligned(masks[0]).expand(*q.shape[:-1], k.shape[-2]) if masks else None
    efficient = aten._scaled_dot_product_efficient_attention
    return efficient(q, k, v, added, needs_backward, scale=scale)[0]


def _aligned(mask: Tensor) -> Tensor:
    """A mask (..., N, M) whose rows lie at multiples of 8 numbers, as torch copies it for the
    kernel."""
    keys = mask.shape[-1]
    return mask if keys % 8 == 0 else F.pad(mask, (0, -keys % 8))[..., :keys]


def _cpu_attention(q: Tensor, k: Tensor, v: Tensor, *masks: Tensor, scale: float | None) -> Tensor:
    flash = aten._scaled_dot_product_flash_attention_for_cpu
    return flash(q, k, v, attn_mask=masks[0] if masks else None, scale=scale)[0]


def _as_autocast_gives_them(*tensors: Tensor | None) -> Iterator[Tensor]:
    """Torch's own attention is on autocast's list; those that stand for it here are not."""
    given = [t for t in tensors if t is not None]
    dtype = autocast_dtype(given[0].device)
    return (t if dtype is None else t.to(dtype) for t in given)


def _cuda_dropout(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    if not training or p == 0:
        return input
    return torch.native_dropout(input, p, True)[0]


def _cuda_softmax(input: Tensor, dim: int, dtype: torch.dtype | None = None) -> Tensor:
    if dtype is None and input.dtype == autocast_dtype(input.device) == torch.float16:
        return torch._softmax(input, dim, half_to_float=True)
    return _SOFTMAX(input, dim, dtype=dtype)


def _like_first(first: Tensor, *_: Any, **__: Any) -> Tensor:
    return _empty_like(first)


def _softmax_backward(grad: Tensor, output: Tensor, dim: int, input_dtype: torch.dtype) -> Tensor:
    if grad.dtype == input_dtype:
        return _empty_like(grad)
    return torch.empty_like(grad, dtype=input_dtype)


def _empty_like(t: Tensor) -> Tensor:
    """``torch.empty_like``, which without data takes ten times as long."""
    if t.is_contiguous():
        return torch.empty(t.shape, dtype=t.dtype, device=t.device)
    return torch.empty_like(t)


def _resized(input: Tensor, size: list[int], *_: Any, **__: Any) -> Tensor:
    shape = (*input.shape[:2], *size)
    return input.new_empty(shape).to(memory_format=suggest_memory_format(input))


def _layer_norm(input: Tensor, normalised: list[int], *_: Any) -> tuple[Tensor, Tensor, Tensor]:
    y = input.new_empty(input.shape)
    means = y.new_empty((*input.shape[: -len(normalised)], *(1 for _ in normalised)))
    return y, means, torch.empty_like(means)


def _cuda_layer_norm(input: Tensor, normalised: list[int], *rest: Any) -> tuple[Tensor, ...]:
    """Its statistics are in float32, whatever the input is."""
    y, mean, _ = _layer_norm(input, normalised, *rest)
    mean = mean.float()
    return y, mean, torch.empty_like(mean)


def _layer_norm_backward(
    grad: Tensor, input: Tensor, shape: Any, mean: Tensor, rstd: Tensor,
    weight: Tensor, bias: Tensor, wanted: list[bool],
) -> tuple[Tensor | None, ...]:  # fmt: skip
    like = (input, weight, bias)
    return tuple(t.new_empty(t.shape) if w else None for t, w in zip(like, wanted, strict=True))


def _matrix_product(_: Tensor, left: Tensor, right: Tensor, **__: Any) -> Tensor:
    return left.new_empty(left.shape[0], right.shape[1])


def _convolution(input: Tensor, weight: Tensor, *args: Any) -> Tensor:
    result = aten.convolution.default(input, weight, *args)
    return laid(result, common_layout(input, weight))


def _convolution_backward(grad: Tensor, input: Tensor, weight: Tensor, *args: Any) -> Any:
    """Layouts: cudnn/ConvShared.cpp, cudnn_convolution_backward."""
    of_input, of_weight, of_bias = aten.convolution_backward.default(grad, input, weight, *args)
    if of_weight is not None:
        input = laid(input, common_layout(input, weight))
    grad = laid(grad, own_layout(input))
    if of_input is not None:
        of_input = laid(of_input, common_layout(grad, weight))
    if of_weight is not None:
        of_weight = laid(of_weight, common_layout(grad, input))
    return of_input, of_weight, of_bias


def _batch_norm_backward(grad: Tensor, input: Tensor, *args: Any) -> Any:
    """The gradient of the input lies as the input, not as the other gradient does."""
    _, *others = aten.native_batch_norm_backward.default(grad, input, *args)
    return torch.empty_like(input), *others


def _first_itself(first: Tensor, *_: Any) -> Tensor:
    return first


def _elementwise(operator: Any) -> Any:
    """Quick where the result is like one operand, and ``operator`` itself elsewhere."""

    def run(first: Tensor, other: Any, *args: Any, **kwargs: Any) -> Tensor:
        if _covers(first, other):
            return _empty_like(first)
        if isinstance(other, Tensor) and _covers(other, first):
            return _empty_like(other)
        return operator(first, other, *args, **kwargs)

    return run


def _covers(t: Tensor, other: Any) -> bool:
    """Whether ``t`` and ``other``, each with each, give a tensor like ``t``."""
    if not (t.is_floating_point() and t.dim() and t.is_contiguous()):
        return False
    if not isinstance(other, Tensor) or other.dim() == 0:
        return True
    trailing = zip(reversed(other.shape), reversed(t.shape), strict=False)
    fits = other.dim() <= t.dim() and all(size in (1, ours) for size, ours in trailing)
    return fits and other.is_contiguous() and other.dtype == t.dtype


def _in_place(*_: Any, **__: Any) -> None:
    """Nothing changes but data."""


# What these operators return, without computing how: torch's own answers take a hundred times as
# long, up to tens of milliseconds. That they agree with real tensors is tested step by step.
RESULT_WITHOUT_DATA: dict[Any, Any] = {
    aten.gelu.default: _like_first,
    aten.gelu_backward.default: _like_first,
    aten._softmax_backward_data.default: _softmax_backward,
    aten.native_layer_norm.default: _layer_norm,
    aten.native_layer_norm_backward.default: _layer_norm_backward,
    aten.upsample_bicubic2d.default: _resized,
    aten.addmm.default: _matrix_product,
    aten.relu.default: _like_first,
    aten.leaky_relu_.default: _first_itself,
    aten.threshold_backward.default: _like_first,
    **{op: _elementwise(op) for op in (aten.add.Tensor, aten.sub.Tensor, aten.mul.Tensor)},
    aten.div.Tensor: _elementwise(aten.div.Tensor),
    aten._foreach_addcdiv_.ScalarList: _in_place,
    aten._foreach_addcmul_.Scalar: _in_place,
    aten._foreach_lerp_.Scalar: _in_place,
}
# What more is known on CUDA, where torch's answers hold for other devices.
RESULT_ON_CUDA: dict[Any, Any] = {
    aten.convolution.default: _convolution,
    aten.convolution_backward.default: _convolution_backward,
    aten.native_batch_norm_backward.default: _batch_norm_backward,
    aten.native_layer_norm.default: _cuda_layer_norm,
}


def kernel_for(operator: Any, args: Any) -> Any:
    """What computes ``operator(*args)``: a stand-in, if ``args`` have no data and there is one."""
    stand_in = RESULT_WITHOUT_DATA.get(operator)
    if stand_in is None:
        return operator
    first = args[0][0] if isinstance(args[0], list | tuple) else args[0]
    return stand_in if first.is_meta else operator

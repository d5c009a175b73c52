"""Kernels for tensors without data, against the real ones."""

import pytest
import torch
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from samfit.harness.trace.kernels import (
    RESULT_WITHOUT_DATA,
    cuda_attention_kernel,
    kernel_for,
    kernels_of,
)

aten = torch.ops.aten
IMAGES, TOKENS = (2, 3, 8, 8), (2, 5, 16)


class Operators(TorchDispatchMode):
    """Collects the operators that run."""

    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.names.append(str(func))
        return func(*args, **(kwargs or {}))


def saved_by(device, run):
    """Dtypes of what backward keeps, and names of the operators, of ``run`` without data."""
    kept = []
    with (
        kernels_of(device),
        Operators() as operators,
        torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t),
    ):
        y = run()
        y.sum().backward()
    return [t.dtype for t in kept], " ".join(operators.names)


def wanted(*shape):
    return torch.empty(shape, device="meta", requires_grad=True)


def test_dropout_keeps_bytes_on_cuda_and_floats_elsewhere():
    for device, dtype in (("cuda", torch.bool), ("cpu", torch.float32)):
        kept, _ = saved_by(device, lambda: F.dropout(wanted(4, 4), 0.5, True))
        assert kept == [dtype]
    x = wanted(4)
    with kernels_of("cuda"):
        assert F.dropout(x, 0.5, False) is x
        assert F.dropout(x, 0.0, True) is x


@pytest.mark.parametrize(
    ("dtype", "width", "needs_backward", "kernels"),
    [
        (torch.float32, 192, True, ["efficient"] * 4),
        (torch.float16, 192, True, ["efficient", "flash", "flash", "flash"]),
        (torch.bfloat16, 192, True, ["math", "flash", "flash", "flash"]),
        (torch.bfloat16, 208, True, ["math", "flash", "efficient", "efficient"]),
        (torch.bfloat16, 208, False, ["math", "flash", "flash", "flash"]),
    ],
)
def test_attention_runs_the_kernel_that_torch_picks_for_the_card(
    dtype, width, needs_backward, kernels
):
    """As ``torch._fused_sdp_choice`` of torch 2.14 answers on cards of these kinds."""
    capabilities = ("7.5", "8.0", "8.6", "12.0")
    assert kernels == [
        cuda_attention_kernel(dtype, width, needs_backward, capability)
        for capability in capabilities
    ]


def test_attention_with_a_mask_runs_a_kernel_that_takes_one():
    for dtype in (torch.float32, torch.bfloat16):
        assert cuda_attention_kernel(dtype, 64, True, "8.0", masked=True) == "efficient"
    q, mask = wanted(2, 4, 49, 32), torch.empty(4, 49, 49, device="meta")
    for device, kernel in (("cuda", "efficient_attention"), ("cpu", "flash_attention_for_cpu")):
        _, names = saved_by(
            device, lambda: F.scaled_dot_product_attention(q, q, q, attn_mask=mask, scale=1.0)
        )
        assert kernel in names
        assert ("constant_pad_nd" in names) == (device == "cuda")  # its rows begin at multiples


def test_attention_runs_the_kernel_of_its_device():
    def run():
        q, k, v = (wanted(1, 2, 64, 8) for _ in range(3))
        return F.scaled_dot_product_attention(q, k, v, scale=1.0)

    for device, kernel in (("cuda", "efficient_attention"), ("cpu", "flash_attention_for_cpu")):
        _, names = saved_by(device, run)
        assert kernel in names
        assert f"{kernel}_backward" in names
        assert "softmax" not in names


@pytest.mark.parametrize("device", ["cuda", "cpu"])
def test_attention_is_asked_for_as_transformers_asks(device):
    """With a scale of its own and without; and a dropout that does nothing."""

    def run(**how):
        q, k, v = (wanted(1, 2, 64, 8) for _ in range(3))
        return lambda: F.scaled_dot_product_attention(q, k, v, **how)

    as_transformers = {"attn_mask": None, "dropout_p": 0.0, "scale": 0.5, "is_causal": False}
    first, *others = (saved_by(device, run(**how)) for how in ({"scale": 1.0}, {}, as_transformers))
    assert all(other == first for other in others)


OPERANDS = [
    lambda t: (t(TOKENS), t(TOKENS)),
    lambda t: (t(TOKENS), t((5, 1))),
    lambda t: (t((16,)), t(TOKENS)),
    lambda t: (t((2, 1, 16)), t((5, 1))),
    lambda t: (t(TOKENS), t(())),
    lambda t: (t(()), t(TOKENS)),
    lambda t: (t(TOKENS), 2.0),
    lambda t: (t(TOKENS).transpose(0, 1), t((2, 16))),
    lambda t: (t(TOKENS), t((16, 5, 2)).permute(2, 1, 0)),
    lambda t: (t((16, 5, 2)).permute(2, 1, 0), t(TOKENS)),
    lambda t: (t((16, 5, 1)).permute(2, 1, 0), t(TOKENS)),
    lambda t: (t((2, 1, 16)).expand(TOKENS), t((16,))),
    lambda t: (t(IMAGES).to(memory_format=torch.channels_last), t((8, 1))),
    lambda t: (t(TOKENS).bfloat16(), t(TOKENS)),
    lambda t: (t(TOKENS).bfloat16(), t(())),
    lambda t: (t(TOKENS).long(), t(())),
]
CALLS = [
    (aten.gelu.default, lambda t: (t(IMAGES),)),
    (aten.gelu.default, lambda t: (t(IMAGES).permute(0, 2, 3, 1),)),
    (aten.gelu_backward.default, lambda t: (t(TOKENS), t(TOKENS))),
    (aten._softmax_backward_data.default, lambda t: (t(TOKENS), t(TOKENS), -1, torch.float32)),
    (aten.native_layer_norm.default, lambda t: (t(TOKENS), [16], t((16,)), t((16,)), 1e-6)),
    (
        aten.native_layer_norm_backward.default,
        lambda t: (
            t(TOKENS), t(TOKENS), [16], t((2, 5, 1)), t((2, 5, 1)), t((16,)), t((16,)),
            [True, False, True],
        ),
    ),
    (aten.upsample_bicubic2d.default, lambda t: (t(IMAGES), [24, 16], False)),
    (
        aten.upsample_bicubic2d.default,
        lambda t: (t(IMAGES).to(memory_format=torch.channels_last), [4, 4], False),
    ),
    (aten.addmm.default, lambda t: (t((6,)), t((5, 4)), t((4, 6)))),
    (aten.addmm.default, lambda t: (t((5, 1)), t((4, 5)).t(), t((4, 6)))),
    (aten.relu.default, lambda t: (t(TOKENS),)),
    (aten.leaky_relu_.default, lambda t: (t(TOKENS), 0.1)),
    (aten.threshold_backward.default, lambda t: (t(TOKENS), t(TOKENS), 0)),
    *[
        (operator, operands)
        for operator in (aten.add.Tensor, aten.sub.Tensor, aten.mul.Tensor, aten.div.Tensor)
        for operands in OPERANDS
    ],
    (aten._foreach_addcdiv_.ScalarList, lambda t: ([t((3,))], [t((3,))], [t((3,))], [0.1])),
    (aten._foreach_addcmul_.Scalar, lambda t: ([t((3,))], [t((3,))], [t((3,))], 0.1)),
    (aten._foreach_lerp_.Scalar, lambda t: ([t((3,))], [t((3,))], 0.1)),
]  # fmt: skip


@pytest.mark.parametrize(("operator", "arguments"), CALLS, ids=lambda v: getattr(v, "name", str)())
def test_stand_ins_return_what_the_real_operators_return(operator, arguments):
    assert kernel_for(operator, arguments(torch.rand)) is operator
    real = operator(*arguments(torch.rand))
    meta = arguments(lambda shape: torch.empty(shape, device="meta"))
    assert kernel_for(operator, meta) is RESULT_WITHOUT_DATA[operator]
    ours = kernel_for(operator, meta)(*meta)
    assert [layout(t) for t in listed(ours)] == [layout(t) for t in listed(real)]


def test_every_stand_in_is_compared():
    assert {operator for operator, _ in CALLS} == set(RESULT_WITHOUT_DATA)


def listed(result):
    return result if isinstance(result, tuple | list) else [result]


def layout(t):
    return None if t is None else (t.shape, t.stride(), t.dtype)


def test_a_batch_norms_gradient_lies_as_its_input_on_cuda():
    x, grad = torch.empty(2, 4, 8, 8, device="meta"), torch.empty(2, 4, 8, 8, device="meta")
    grad = grad.to(memory_format=torch.channels_last)
    four = torch.empty(4, device="meta")
    args = (grad, x, four, four, four, four, four, True, 1e-5, [True, True, True])
    with kernels_of("cuda"):
        kernel = kernel_for(aten.native_batch_norm_backward.default, args)
        of_input, *others = kernel(*args)
    assert of_input.is_contiguous()
    assert [t.shape for t in others] == [(4,), (4,)]
    with kernels_of("cpu"):
        assert kernel_for(aten.convolution.default, args) is aten.convolution.default

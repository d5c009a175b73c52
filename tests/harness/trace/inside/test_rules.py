"""What operators allocate inside: figures from PyTorch's own CUDA code.

They were read in its allocator's history (``torch.cuda.memory._snapshot``), where torch 2.14.1 for
CUDA 13 ran each operator on a card that is not there, see ``harness/standin``.
"""

import pytest
import torch
from torch import nn

from samfit.harness.device.cards import find_card
from samfit.harness.trace.inside.rules import RULES
from samfit.harness.trace.kernels import kernels_of
from samfit.harness.trace.trace import Trace
from samfit.harness.trace.tracer import Tracer

aten = torch.ops.aten
MIB = 2**20
A100, T4, RTX_3090 = (find_card(name) for name in ("A100 80GB", "T4", "RTX 3090"))
H100 = find_card("H100 80GB")
HALF = torch.bfloat16


def t(*shape, dtype=torch.float32, order=None):
    """A tensor without data; ``order``: its dimensions from the slowest to the fastest."""
    made = torch.empty([shape[d] for d in order or range(len(shape))], dtype=dtype, device="meta")
    return made.permute(*(order.index(d) for d in range(len(shape)))) if order else made


def trace(gpu, operator, *args, **kwargs) -> Trace:
    with torch.device("meta"):
        tracer = Tracer(nn.Linear(1, 1), gpu)
    with kernels_of("cuda"), tracer:
        tracer.enter("forward")
        kept = operator(*args, **kwargs)
    del kept
    return tracer.trace


def inside(gpu, operator, *args, **kwargs) -> list[float]:
    """MiB of each allocation that is freed before the operator returns, in order."""
    made = trace(gpu, operator, *args, **kwargs).allocations
    return [a.nbytes / MIB for a in made if a.died is not None and a.nbytes >= MIB / 64]


SCORES = (12, 4096, 4096)  # a global block of ViT-B, one image
HEADS = (2, 12, 4096)  # B, H, N


def attention(channels, dtype=torch.float32, images=HEADS[0], tokens=HEADS[2]):
    """Gradient, q, k, v and output as SAM's blocks have them: the gradient's heads lie inside."""
    shape = (images, 12, tokens, channels)
    made = [t(*shape, dtype=dtype) for _ in range(3)]
    out = t(*shape, dtype=dtype, order=(0, 2, 1, 3))
    return t(*shape, dtype=dtype), *made, out


def efficient_backward(gpu, *args, **kwargs):
    grad, q, k, v, out = attention(*args, **kwargs)
    lse, seed = t(*q.shape[:3]), t(1, dtype=torch.long)
    operator = aten._scaled_dot_product_efficient_attention_backward.default
    wanted = [True, True, True, False]
    return inside(gpu, operator, grad, q, k, v, None, out, lse, seed, seed, 0.0, wanted)


def flash_backward(gpu, *args, **kwargs):
    grad, q, k, v, out = attention(*args, dtype=HALF, **kwargs)
    lse, seed = t(*q.shape[:3]), t(1, dtype=torch.long)
    operator = aten._scaled_dot_product_flash_attention_backward.default
    return inside(
        gpu, operator, grad, q, k, v, out, lse, None, None, 4096, 4096, 0.0, False, seed, seed
    )


def test_safe_softmax_asks_which_rows_are_empty():
    """Of attention without a fused kernel: bfloat16 below compute capability 8.0."""
    scores = t(2, 12, 4096, 4096)
    assert inside(T4, aten._safe_softmax.default, scores, -1) == [384, 0.09375]


def test_statistics_of_a_norm_are_in_float32():
    made = trace(
        A100, aten.native_layer_norm.default, t(1, 4096, 768, dtype=HALF), [768], None, None, 1e-6
    )
    assert [a.nbytes for a in made.allocations] == [4096 * 768 * 2, 4096 * 4, 4096 * 4]


def test_softmax_backward_holds_gradient_times_output():
    args = (t(*SCORES), t(*SCORES), -1, torch.float32)
    assert inside(A100, aten._softmax_backward_data.default, *args) == [768]


@pytest.mark.parametrize(
    ("gpu", "args", "sizes"),
    [
        (A100, {"channels": 192}, [72, 72, 0.375, 0.375, 72.03515625]),
        (RTX_3090, {"channels": 192}, [72, 72, 0.375, 0.375, 72.0703125]),
        (A100, {"channels": 64}, [24, 24, 0.375, 0.375, 24.0234375]),
        (A100, {"channels": 96, "images": 50, "tokens": 196},
         [43.06640625, 43.06640625, 0.44873046875, 0.44873046875, 75.03662109375]),
        (T4, {"channels": 64, "dtype": torch.float16}, [12, 0.375, 24.0234375]),
        (T4, {"channels": 96, "dtype": torch.float16}, [18, 0.375, 48.0234375]),
        (T4, {"channels": 192, "dtype": torch.float16}, [36, 0.375, 96.03515625]),
    ],
)  # fmt: skip
def test_memory_efficient_attention_backward(gpu, args, sizes):
    """The gradient in order; delta, with what it is summed from in float32; and the workspace."""
    assert efficient_backward(gpu, **args) == pytest.approx(sizes, abs=1 / 1024)


def test_memory_efficient_attention_sums_wide_heads_of_half_precision_in_float32():
    operator = aten._scaled_dot_product_efficient_attention.default
    for channels, sizes in ((64, []), (192, [72])):
        q = t(*HEADS, channels, dtype=torch.float16)
        assert inside(T4, operator, q, q, q, None, True) == sizes


def test_flash_attention_backward():
    assert flash_backward(A100, 192, images=1) == [18, 0.1875, 36]  # the output lies in order here
    # Hopper leaves heads of at most 128 channels to cuDNN, which takes no copies.
    assert flash_backward(A100, 96) == [18, 0.375, 36]
    assert flash_backward(H100, 96) == [0.375, 36]
    assert flash_backward(H100, 192) == [36, 0.375, 72]


def test_layer_norm_copies_what_does_not_lie_in_order():
    weight = t(768)
    for order, copies in ((None, []), ((0, 3, 1, 2), [24])):
        x = t(2, 64, 64, 768, order=order)
        found = inside(A100, aten.native_layer_norm.default, x, [768], weight, weight, 1e-6)
        assert found == copies


def norm_backward(gpu, rows, width, wanted=(True, True, True)):
    x, one, weight = t(rows, width), t(rows, 1), t(width)
    operator = aten.native_layer_norm_backward.default
    args = (x, x, [width], one, one, weight, weight, list(wanted))
    return [round(mib, 3) for mib in inside(gpu, operator, *args)]


def test_layer_norm_adds_parts_of_many_rows():
    """Two sets of partial sums, and what their sums take."""
    rows = 18 * 4096
    assert norm_backward(A100, rows, 768) == [3.999, 3.999, 8.25, 8.25]
    assert norm_backward(A100, rows, 256) == [2.25, 2.25, 4.5, 4.5]
    assert norm_backward(A100, rows, 768, (True, False, True)) == [3.999, 8.25]
    assert norm_backward(A100, 16 * 4096, 768) == []
    assert norm_backward(T4, rows, 768) == []  # too few multiprocessors for it


@pytest.mark.parametrize(
    ("rows", "width", "mib"),
    [
        (9800, 2304, [108]),
        (8192, 3072, [108]),
        (8192, 768, [48]),
        (9800, 768, [57.75]),
        (16, 768, []),
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32, HALF])
def test_sums_over_rows_take_partial_sums_by_multiprocessors(rows, width, mib, dtype):
    """At most 64 KiB for each block of threads: 16 on each of 108 multiprocessors."""
    x = t(rows, width, dtype=dtype)
    assert inside(A100, aten.sum.dim_IntList, x, [0], True) == mib


def test_sums_along_memory_need_next_to_nothing():
    assert inside(A100, aten.sum.dim_IntList, t(64, 2**16), [1]) == []


def convolved(gpu, x, w, *, padding=0, stride=1, dilation=1, transposed=False, groups=1):
    how = ([stride] * 2, [padding] * 2, [dilation] * 2, transposed, [0, 0], groups)
    return trace(gpu, aten.convolution.default, x, w, None, *how)


LAST = (0, 2, 3, 1)  # images, rows, columns, channels


def test_a_convolution_copies_operands_into_one_layout():
    x, w = t(4, 64, 128, 128, order=LAST), t(64, 32, 2, 2)
    made = convolved(A100, x, w, stride=2, transposed=True)
    result, weight, workspace = made.allocations
    assert (result.nbytes, weight.nbytes) == (32 * MIB, 64 * 32 * 4 * 4)
    assert workspace.nbytes == pytest.approx(48 * MIB, abs=MIB / 8)
    assert workspace.soft and not weight.soft
    x = t(4, 256, 64, 64, order=(1, 0, 2, 3))
    copy, result, workspace = convolved(A100, x, t(256, 256, 3, 3), padding=1).allocations
    assert copy.nbytes == result.nbytes == 16 * MIB
    assert copy.died > workspace.died


@pytest.mark.parametrize("order", [None, LAST])
def test_a_depthwise_convolution_takes_no_workspace(order):
    x = t(1, 256, 256, 256, order=order)
    made = convolved(A100, x, t(256, 1, 3, 3), padding=1, groups=256).allocations
    assert [a.nbytes for a in made if a.nbytes >= MIB / 8] == [64 * MIB]


@pytest.mark.parametrize("order", [None, LAST])
def test_results_of_convolutions_lie_as_their_operands(order):
    x, w = t(2, 8, 16, 16, order=order), t(8, 4, 2, 2)
    how = ([2, 2], [0, 0], [1, 1], True, [0, 0], 1)
    with kernels_of("cuda"), torch.device("meta"):
        tracer = Tracer(nn.Linear(1, 1), A100)
        with tracer:
            y = aten.convolution.default(x, w, None, *how)
            grads = aten.convolution_backward.default(y, x, w, None, *how, [True, True, False])
    layout = torch.channels_last if order else torch.contiguous_format
    for result in (y, *grads[:2]):
        assert result.is_contiguous(memory_format=layout)


def test_a_gradient_of_both_operands_takes_two_workspaces():
    x, w = t(1, 256, 512, 512), t(256, 256, 3, 3)
    how = ([1, 1], [2, 2], [2, 2], False, [0, 0], 1)
    operator = aten.convolution_backward.default
    made = trace(A100, operator, x, x, w, None, *how, [True, True, False]).allocations
    assert [round(a.nbytes / MIB) for a in made] == [256, 514, 2, 541]


def test_pooling_backward_copies_a_gradient_that_lies_otherwise():
    operator, x = aten._adaptive_avg_pool2d_backward.default, t(16, 256, 128, 128)
    assert inside(A100, operator, t(16, 256, 64, 64, order=LAST), x) == [64]
    assert inside(A100, operator, t(16, 256, 64, 64), x) == []


def test_max_pooling_copies_what_lies_otherwise():
    """Queries are a third of what a projection gives: they lie in no layout of their own."""
    forward = aten.max_pool2d_with_indices.default
    backward = aten.max_pool2d_with_indices_backward.default
    x, how = t(4, 256, 64, 64, order=LAST), ([2, 2], [2, 2])
    third = t(4, 768, 64, 64, order=LAST)[:, :256]
    assert inside(A100, forward, x, *how) == []
    assert inside(A100, forward, third, *how) == [16]
    grad, places = t(4, 256, 32, 32, order=LAST), t(4, 256, 32, 32, order=LAST).long()
    rest = (*how, [0, 0], [1, 1], False, places)
    assert inside(A100, backward, grad, x, *rest) == []
    assert inside(A100, backward, t(4, 256, 32, 32), third, *rest) == [4, 16]


def test_every_rule_is_for_an_operator_that_is():
    assert all(isinstance(operator, torch._ops.OpOverload) for operator in RULES)

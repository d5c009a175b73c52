"""Conv-LoRA sends each row to one expert: what its paper writes as a sum over all of them."""

import torch
from hypothesis import given, settings, strategies as st
from torch.nn import functional as F

from samfit.adapters.conv_lora import ConvLoraSettings, ConvLoraUpdate


def mixture(update, h, expert):
    """The sum over m of gate_m · E_m(h), for rows h (N, r, H, W) and the expert of each (N,)."""
    gates = F.one_hot(expert, len(update.experts)).to(h.dtype)
    outputs = [whole_expert(one, h) for one in update.experts]
    return sum(
        gate.view(-1, 1, 1, 1) * y for gate, y in zip(gates.unbind(dim=1), outputs, strict=True)
    )


def whole_expert(expert, h):
    """The expert's output for h (N, r, H, W), convolved at every pixel of the enlarged map."""
    side = h.shape[-2:]
    large = F.interpolate(h, [expert.scale * length for length in side], mode="bicubic")
    return F.interpolate(F.gelu(expert.conv(large)), side, mode="bicubic")


@st.composite
def dispatches(draw):
    """An update, rows h (N, r, H, W) that want a gradient, and the expert of each."""
    rank, rows = draw(st.integers(1, 4)), draw(st.integers(1, 12))
    scales = tuple(draw(st.lists(st.integers(1, 8), min_size=1, max_size=8)))
    height, width = draw(st.integers(1, 7)), draw(st.integers(1, 7))
    indices = st.integers(0, len(scales) - 1)
    expert = draw(st.lists(indices, min_size=rows, max_size=rows))
    torch.manual_seed(draw(st.integers(0, 2**16)))
    update = ConvLoraUpdate(8, 8, ConvLoraSettings(rank=rank, scales=scales))
    h = torch.randn(rows, rank, height, width, dtype=torch.float64, requires_grad=True)
    return update.double(), h, torch.tensor(expert)


@settings(deadline=None)
@given(dispatches())
def test_dispatching_computes_the_mixture_of_the_paper(case):
    update, h, expert = case
    weight = torch.randn_like(h)
    leaves = [h, *update.experts.parameters()]
    results = []
    for y in (update.dispatch(h, expert), mixture(update, h, expert)):
        assert y.shape == h.shape
        gradients = torch.autograd.grad((y * weight).sum(), leaves, allow_unused=True)
        results.append([y, *gradients])
    for dispatched, mixed in zip(*results, strict=True):
        if dispatched is None:  # of an expert that gets no row
            assert not mixed.any()
        else:
            torch.testing.assert_close(dispatched, mixed)

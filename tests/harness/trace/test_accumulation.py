"""Gradients that meet are added in place, as autograd does where no mode is active."""

import pytest
import torch
from torch import nn

from samfit.harness.device.cards import find_card
from samfit.harness.trace.trace import Trace
from samfit.harness.trace.tracer import Tracer

SIZE = 4096


def traced(gpu, device, function) -> Trace:
    model = nn.Linear(1, 1).to(device)
    x = torch.zeros(SIZE, device=device, requires_grad=True)
    tracer = Tracer(model, gpu)
    with tracer:
        tracer.adopt([x], "inputs")
        tracer.enter("forward")
        loss = function(x).sum()
        tracer.enter("backward")
        loss.backward()
    return tracer.trace


def made_in_backward(gpu, device, function):
    allocations = traced(gpu, device, function).allocations
    return sum(a.phase == "backward" and a.nbytes == 4 * SIZE for a in allocations)


def three_ways(x):
    return x.exp() + x.sin() + x.cos()


@pytest.mark.parametrize("device", ["meta", "cpu"])
def test_on_cuda_sums_of_gradients_take_no_memory(device):
    """A CPU's trace shows them."""
    gpu = find_card("RTX 3090")
    cpu = made_in_backward(None, device, three_ways)
    assert made_in_backward(gpu, device, three_ways) == cpu - 2


def test_gradients_are_those_without_a_tracer():
    x = torch.rand(8, requires_grad=True)
    (expected,) = torch.autograd.grad(three_ways(x).sum(), x)
    with Tracer(nn.Linear(1, 1), find_card("RTX 3090")):
        three_ways(x).sum().backward()
    torch.testing.assert_close(x.grad, expected)


def test_what_a_step_adds_itself_is_a_new_tensor():
    def add(x):
        a = x.detach()
        return x * (a + a)

    gpu = find_card("RTX 3090")
    assert len(traced(gpu, "meta", add).allocations) == len(traced(None, "meta", add).allocations)

"""The real cuDNN chooses for the card, and PyTorch allocates the workspace that it asks for."""

from functools import cache

import pytest

from samfit.units import MIB

# A convolution whose input is 16 MiB, and output, too; what the call takes beside these.
PROGRAM = """
import torch
tf32, benchmark = {settings}
torch.backends.cudnn.allow_tf32, torch.backends.cudnn.benchmark = tf32, benchmark
layer = torch.nn.Conv2d(256, 256, 3, padding=1, bias=False, device="cuda")
image = torch.empty(4, 256, 64, 64, device="cuda")
told = []
with torch.no_grad():
    for _ in range(3):
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        output = layer(image)
        told.append(torch.cuda.max_memory_allocated() - before - 16 * 2**20)
        del output
"""


@pytest.fixture(scope="module")
def workspace(card, run_on):
    """Bytes of the first call's workspace, and of the last's."""

    @cache
    def ask(name="A100 80GB", tf32=True, benchmark=False, **properties):
        program = PROGRAM.format(settings=(tf32, benchmark))
        told, said = run_on(card(name, **properties), program)
        assert "Could not load" not in said  # a symbol of the driver; the plan would be left out
        return told[0], told[-1]

    return ask


def test_a_workspace_is_allocated_and_depends_on_capability_and_precision(workspace):
    _, ampere = workspace()
    assert ampere >= 16 * MIB  # a copy of the input in another layout
    assert workspace(tf32=False)[1] < 8 * MIB
    assert workspace("T4")[1] < 8 * MIB
    assert workspace("H100")[1] > 16 * MIB


def test_where_a_workspace_does_not_fit_another_plan_is_taken(workspace):
    room = {"total_bytes": 350 * MIB, "context_bytes": 300 * MIB}
    assert workspace(**room)[1] < 16 * MIB


def test_the_benchmark_tries_every_plan_and_keeps_the_first(workspace):
    _, without = workspace()
    first, last = workspace(benchmark=True)
    assert last == without
    assert first > last


def test_plans_stay_in_order_behind_the_first_for_when_memory_runs_out(workspace):
    room = {"total_bytes": 350 * MIB, "context_bytes": 300 * MIB}
    assert workspace(benchmark=True, **room)[1] < 16 * MIB


ATTENTION = """
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
tokens = torch.empty(1, 12, 1024, 64, device="cuda", dtype=torch.bfloat16, requires_grad=True)
with sdpa_kernel(SDPBackend.CUDNN_ATTENTION):
    output = torch.nn.functional.scaled_dot_product_attention(tokens, tokens, tokens)
output.backward(output.detach())
told = list(tokens.grad.shape)
"""


def test_cudnns_own_attention_is_built_for_hopper(card, run_on):
    assert run_on(card("H100"), ATTENTION)[0] == [1, 12, 1024, 64]

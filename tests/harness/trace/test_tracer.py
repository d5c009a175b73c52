"""The tracer: what it counts, how it attributes it, and that no data tells the same."""

import pytest
import torch
from torch import nn
from torch._C._profiler import _EventType
from torch.nn import functional as F
from torch.profiler import ProfilerActivity, profile

from samfit.adapters.core.registry import adapter_names
from samfit.harness.device.cards import find_card
from samfit.harness.memory.peak import traced_memory
from samfit.harness.predict.traced import build_step_without_data
from samfit.harness.record.cell import Cell
from samfit.harness.step.step import build_step
from samfit.harness.trace.inside import cublas
from samfit.harness.trace.kernels import kernels_of
from samfit.harness.trace.trace import INPUTS, SAVED, TEMPORARIES, WORKSPACE
from samfit.harness.trace.tracer import Tracer

CPU = torch.device("cpu")
METHODS = [*((name, {}) for name in adapter_names()), ("sam_adapter", {"variant": "cad"})]


def tiny(adapter, settings=None, **fields):
    return Cell(
        adapter=adapter, settings=settings or {}, backbone="vit_tiny", device="cpu", **fields
    )


def traced(run, model=None, known=()):
    tracer = Tracer(model or nn.Linear(1, 1))
    with tracer:
        tracer.adopt(known, INPUTS)
        run(tracer.enter)
    return tracer.trace


# SAM makes its position indices on the CPU, whatever its device: with data on a CPU they count, and
# backward keeps them. In evaluation the CPU's batch norm returns two vectors that nobody needs.
OF_A_CPU = {("full", "train"): 24 * 512, ("lst", "train"): 24 * 512, ("cad", "infer"): -2 * 512}


@pytest.mark.parametrize("phase", ["train", "infer"])
@pytest.mark.parametrize(("adapter", "settings"), METHODS)
def test_tensors_with_and_without_data_agree_to_the_byte(adapter, settings, phase):
    cell = tiny(adapter, settings, batch_size=2, phase=phase)
    step = build_step_without_data(cell)
    with kernels_of("cpu"):
        without = traced_memory(step.trace())
    step = build_step(cell, CPU)
    step.model.adapter.assume()
    real = traced_memory(step.trace())
    difference = real.peak_allocated_bytes - without.peak_allocated_bytes
    assert difference == OF_A_CPU.get((adapter, phase), 0)
    if difference == 0:
        assert without.breakdown_bytes == real.breakdown_bytes
    assert (without.peak_phase, without.peak_module) == (real.peak_phase, real.peak_module)


@pytest.mark.parametrize("adapter", ["decoder", "full", "lora", "sam_adapter"])
def test_agrees_with_torchs_own_record_of_cpu_allocations(adapter):
    """An independent instrument: no mode is active, torch's profiler reports each allocation.

    CAD is left out: the CPU's convolution library allocates scratch space inside its kernels.
    """
    cell = tiny(adapter, batch_size=2)
    step = build_step(cell, CPU)
    step.run()
    step.optimizer.zero_grad(set_to_none=True)
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        step.run()
    recorded = _peak(_allocations(profiler.profiler.kineto_results.experimental_event_tree()))

    trace = build_step(cell, CPU).trace()
    start = max(event for event, phase in trace.phase_starts if phase == "forward")
    changes = []
    for allocation in trace.allocations:
        if allocation.born >= start:
            changes.append((allocation.born, allocation.nbytes))
            if allocation.died is not None:
                changes.append((allocation.died, -allocation.nbytes))
    assert _peak(changes) == pytest.approx(recorded, rel=0.01)


def _allocations(events):
    found = []
    for event in events:
        if event.tag == _EventType.Allocation:
            found.append((event.start_time_ns, event.extra_fields.alloc_size))
        found += _allocations(event.children)
    return found


def _peak(changes):
    live = peak = 0
    for _, nbytes in sorted(changes, key=lambda change: change[0]):
        live += nbytes
        peak = max(peak, live)
    return peak


def test_counts_storages_once_and_rounds_to_512():
    def run(enter):
        enter("forward")
        x = torch.zeros(100)  # 400 bytes
        return x.view(10, 10).t(), x[3:]

    (allocation,) = traced(run).allocations
    assert allocation.nbytes == 512


def test_death_is_when_the_last_view_goes():
    def run(enter):
        enter("forward")
        view = torch.zeros(8)[2:]
        torch.zeros(8)
        del view

    first, second = traced(run).allocations
    assert (first.born, second.born, second.died, first.died) == (0, 1, 2, 3)


def test_what_survives_forward_is_saved_and_the_rest_is_temporary():
    x = torch.ones(4, requires_grad=True)

    def run(enter):
        enter("forward")
        loss = (x * 2).exp().sum()  # exp keeps its result, the product is not needed again
        enter("backward")
        loss.backward()

    product, result, *_ = traced(run).allocations
    assert (product.category, result.category) == (TEMPORARIES, SAVED)


def test_backward_is_attributed_to_the_module_that_ran_forward():
    model = nn.Sequential(nn.Linear(8, 8), nn.Sequential(nn.GELU()))
    x = torch.ones(2, 8, requires_grad=True)

    def run(enter):
        enter("forward")
        loss = model(x).sum()
        enter("backward")
        loss.backward()

    backward = {a.module for a in traced(run, model).allocations if a.phase == "backward"}
    assert {"0", "1.0"} <= backward


@pytest.mark.parametrize("contiguous", [True, False])
def test_linear_allocates_only_its_output_and_what_it_must_copy(contiguous):
    layer, x = nn.Linear(128, 128), torch.zeros(2, 4, 128)
    x = x if contiguous else torch.zeros(4, 2, 128).transpose(0, 1)

    def run(enter):
        enter("forward")
        F.linear(x, layer.weight, layer.bias)

    with torch.no_grad():
        known = [x, *layer.parameters()]
        sizes = [a.nbytes for a in traced(run, known=known).allocations[len(known) :]]
    assert sizes == ([4096] if contiguous else [4096, 4096])


def test_linear_of_other_strides_computes_what_torch_computes():
    layer, x = nn.Linear(16, 8), torch.randn(4, 2, 16).transpose(0, 1)
    outputs = []
    traced(lambda enter: outputs.append(layer(x)))
    torch.testing.assert_close(outputs[0], layer(x))


def workspaces_of_products(monkeypatch, kept):
    monkeypatch.setattr(cublas, "KEEPS_WORKSPACE", kept)
    step = build_step_without_data(tiny("lora"))
    trace = step.trace(find_card("RTX 3090"))
    return [a for a in trace.allocations if a.bytes_on is cublas.workspace_bytes]


def test_each_thread_of_a_training_step_keeps_one_workspace(monkeypatch):
    kept = workspaces_of_products(monkeypatch, kept=True)
    assert {a.category for a in kept} == {WORKSPACE}
    assert [(a.phase, a.nbytes, a.died) for a in kept] == [
        ("forward", 8519680, None),
        ("backward", 8519680, None),
    ]


def test_newer_torch_takes_a_workspace_for_each_product(monkeypatch):
    taken = workspaces_of_products(monkeypatch, kept=False)
    assert len(taken) > 100
    assert all(a.died == a.born + 1 for a in taken)


def test_counts_operations_of_matrix_products():
    def run(enter):
        enter("forward")
        torch.zeros(2, 3) @ torch.zeros(3, 5)

    assert traced(run).flops == 2 * 2 * 3 * 5


def test_hooks_are_gone_after_tracing():
    from torch.nn.modules import module

    before = len(module._global_forward_hooks), len(module._global_forward_pre_hooks)
    traced(lambda enter: enter("forward"))
    assert (len(module._global_forward_hooks), len(module._global_forward_pre_hooks)) == before

"""The trace: the step of a Cell, run on tensors that have shapes and lifetimes but no data."""

from dataclasses import replace

from samfit.harness.device.cards import card_of_capability
from samfit.harness.predict.found import Found, memory_of
from samfit.harness.record.cell import Cell
from samfit.harness.step.step import WITHOUT_DATA, Description, Step, build_step, describe_model
from samfit.harness.trace.kernels import kernels_of
from samfit.harness.trace.observe import STEPS
from samfit.harness.trace.trace import Trace


def traced(cell: Cell) -> Found:
    """What a trace says of the step of ``cell``.

    Raises:
        UserError: for a Cell that cannot be built.
    """
    description, trace = trace_without_data(cell)
    memory, holders = memory_of(trace, cell)
    flops = trace.flops // STEPS
    return Found(description=description, memory=memory, holders=holders, flops=flops)


def trace_without_data(cell: Cell) -> tuple[Description, Trace]:
    """What is said of the model of ``cell``, and every storage of two runs of its step."""
    gpu = card_of_capability(cell.compute_capability) if cell.device == "cuda" else None
    with kernels_of(cell.device, cell.compute_capability):
        step = build_step_without_data(cell)
        return describe_model(step.model, cell), step.trace(gpu)


def build_step_without_data(cell: Cell) -> Step:
    """The step of ``cell`` on tensors that have shapes and lifetimes but no data.

    Where memory would depend on data, its adapter assumes something instead.

    Raises:
        UserError: for a Cell that cannot be built, or a method that cannot be traced.
    """
    with WITHOUT_DATA:
        step = build_step(replace(cell, checkpoint=None), WITHOUT_DATA)
    step.model.adapter.check_traceable()
    step.model.adapter.assume()
    return step

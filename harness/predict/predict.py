"""Predict a Cell's memory without a GPU: the real step, run on tensors without data."""

import gc
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import torch
from torch import Tensor, nn

from samfit.adapters.sam.build import build_sam
from samfit.harness.device.cards import CARDS, context_of
from samfit.harness.memory.allocator import AllocatorOptions
from samfit.harness.memory.cuda import cublas_workspace_bytes
from samfit.harness.memory.need import cards_that_hold
from samfit.harness.memory.peak import predicted_cuda_memory, traced_memory
from samfit.harness.record.cell import Cell
from samfit.harness.record.environment import environment
from samfit.harness.record.record import Compute, Measurement, Memory, Parameters
from samfit.harness.step.step import Step, build_step, describe_method, describe_step
from samfit.harness.trace.kernels import kernels_of
from samfit.harness.trace.trace import (
    FROZEN,
    GRADIENTS,
    INPUTS,
    OPTIMIZER,
    TRAINABLE,
    Trace,
)
from samfit.harness.trace.tracer import Tracer, optimizer_tensors

WITHOUT_DATA = torch.device("meta")
STEPS = 2  # the optimizer's state exists from the first step on, so the second has the peak


def predict(cell: Cell) -> Measurement:
    """What ``cell`` would need on its device.

    Raises:
        UserError: for a Cell that cannot be built.
    """
    return predict_and_trace(cell)[0]


def predict_and_trace(cell: Cell) -> tuple[Measurement, Trace]:
    """``predict``, and the trace that it read the memory from."""
    started, clock = datetime.now(timezone.utc), time.perf_counter()
    if cell.checkpoint:  # its weights change no size, but a wrong file should not pass unnoticed
        _check_checkpoint(cell, Path(cell.checkpoint))
    step, assumption, trace = trace_without_data(cell)
    record = Measurement(
        cell=cell,
        status="ok",
        source="predicted",
        traced=describe_step(cell),
        assumption=assumption,
        method=describe_method(step.model.adapter),
        params=Parameters(**step.model.parameter_counts()),
        memory=_memory(cell, trace),
        compute=Compute(flops_per_image=trace.flops // (STEPS * cell.batch_size)),
        environment=environment(cell),
        started=started.isoformat(timespec="seconds"),
        duration_ms=1000 * (time.perf_counter() - clock),
    )
    return record, trace


def trace_without_data(cell: Cell) -> tuple[Step, str | None, Trace]:
    """The step of ``cell`` as ``build_step_without_data`` gives it, and the trace of running it."""
    with kernels_of(cell.device):
        step, assumption = build_step_without_data(cell)
        return step, assumption, trace_steps(step, _workspace_bytes(cell))


def build_step_without_data(cell: Cell) -> tuple[Step, str | None]:
    """The step of ``cell`` on tensors that have shapes and lifetimes but no data.

    Beside it what its adapter assumes, in words, where memory would depend on data.
    """
    with WITHOUT_DATA:
        step = build_step(replace(cell, checkpoint=None), WITHOUT_DATA)
    return step, step.model.adapter.assume()


def _memory(cell: Cell, trace: Trace) -> Memory:
    if cell.device == "cpu":
        return traced_memory(trace)
    memory = predicted_cuda_memory(trace, AllocatorOptions.parse(cell.alloc_conf))
    assert memory.peak_reserved_bytes is not None
    context, _ = context_of(cell.compute_capability)
    return replace(
        memory,
        process_bytes=memory.peak_reserved_bytes + context,
        fits=cards_that_hold(cell, trace, CARDS),
    )


def _workspace_bytes(cell: Cell) -> int:
    return cublas_workspace_bytes(cell.compute_capability) if cell.device == "cuda" else 0


def _check_checkpoint(cell: Cell, path: Path) -> None:
    """Load the file into a SAM without memory, for what loading would say."""
    with WITHOUT_DATA, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch remarks that nothing is copied
        build_sam(cell.backbone, cell.image_size, path)


def trace_steps(step: Step, workspace_bytes: int = 0) -> Trace:
    """Run ``step`` twice under the tracer; what exists before is counted first."""
    tracer = Tracer(step.model, workspace_bytes)
    with tracer, without_garbage_collection():
        _adopt_weights(tracer, step.model)
        tracer.adopt(step.batch.tensors(), INPUTS)
        tracer.adopt((p.grad for p in step.model.parameters() if p.grad is not None), GRADIENTS)
        tracer.adopt(optimizer_tensors(step.optimizer), OPTIMIZER)
        for _ in range(STEPS):
            step.run(tracer.enter)
            tracer.mark_optimizer(step.optimizer)
    return tracer.trace


def _adopt_weights(tracer: Tracer, model: nn.Module) -> None:
    """Count parameters and buffers, each as held by the module that owns it."""
    named = [*model.named_parameters(), *model.named_buffers()]
    owners = {tensor: name.rpartition(".")[0] for name, tensor in named}
    for tensor in tensors_in_device_order(model):
        known = len(tracer.trace.allocations)
        tracer.adopt([tensor], TRAINABLE if tensor.requires_grad else FROZEN)
        for allocation in tracer.trace.allocations[known:]:
            allocation.module = owners[tensor]


@contextmanager
def without_garbage_collection() -> Iterator[None]:
    """Nothing dies at a moment that Python's collector happens to choose; and it takes time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def tensors_in_device_order(module: nn.Module) -> Iterator[Tensor]:
    """Parameters and buffers in the order in which ``module.to(device)`` moves them."""
    for child in module.children():
        yield from tensors_in_device_order(child)
    yield from module.parameters(recurse=False)
    yield from module.buffers(recurse=False)

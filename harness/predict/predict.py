"""Predict a Cell's memory without a GPU: the real step, run on tensors without data."""

import time
import warnings
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import torch

from samfit.adapters.sam.build import build_sam
from samfit.harness.device.cards import CARDS, context_of
from samfit.harness.memory.allocator import AllocatorOptions
from samfit.harness.memory.cuda import cublas_workspace_bytes
from samfit.harness.memory.figures import Memory
from samfit.harness.memory.need import cards_that_hold
from samfit.harness.memory.peak import predicted_cuda_memory, traced_memory
from samfit.harness.record.cell import Cell
from samfit.harness.record.environment import environment
from samfit.harness.record.record import Compute, Parameters, Record
from samfit.harness.record.weights import checkpoint_file
from samfit.harness.step.step import Step, build_step, describe_method, describe_step
from samfit.harness.trace.kernels import kernels_of
from samfit.harness.trace.observe import STEPS
from samfit.harness.trace.trace import (
    Trace,
)

WITHOUT_DATA = torch.device("meta")


def predict(cell: Cell) -> Record:
    """What ``cell`` would need on its device.

    Raises:
        UserError: for a Cell that cannot be built.
    """
    return predict_and_trace(cell)[0]


def predict_and_trace(cell: Cell) -> tuple[Record, Trace]:
    """``predict``, and the trace that it read the memory from."""
    started, clock = datetime.now(timezone.utc), time.perf_counter()
    if cell.checkpoint:  # its weights change no size, but a wrong file should not pass unnoticed
        _check_checkpoint(cell, checkpoint_file(cell.checkpoint))
    step, assumption, trace = trace_without_data(cell)
    record = Record(
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
        return step, assumption, step.trace(_workspace_bytes(cell))


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
    options = AllocatorOptions.parse(cell.alloc_conf)
    memory = predicted_cuda_memory(trace, options)
    assert memory.peak_reserved_bytes is not None
    context, _ = context_of(cell.compute_capability)
    cards = [card for card in CARDS if cell.precision != "bf16" or card.computes_in_bfloat16]
    return replace(
        memory,
        process_bytes=memory.peak_reserved_bytes + context,
        fits=cards_that_hold(trace, options, cards),
    )


def _workspace_bytes(cell: Cell) -> int:
    return cublas_workspace_bytes(cell.compute_capability) if cell.device == "cuda" else 0


def _check_checkpoint(cell: Cell, path: Path) -> None:
    """Load the file into a SAM without memory, for what loading would say."""
    with WITHOUT_DATA, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch remarks that nothing is copied
        build_sam(cell.backbone, cell.image_size, path)

"""Measure a Cell: the real step, on the device, in this process.

Run it in a fresh process, as ``run/measure.py`` does: what an earlier Cell left in the allocator,
in cuBLAS or in caches would be measured, too.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timezone

import torch

from samfit.errors import UserError
from samfit.harness.device.nvml import CARD
from samfit.harness.measure.timing import time_steps, warm_up
from samfit.harness.memory.cuda import explain, foreign_bytes, read_cuda, set_allocator_options
from samfit.harness.memory.exhausted import first_line, is_out_of_memory
from samfit.harness.memory.figures import Memory
from samfit.harness.memory.peak import traced_memory
from samfit.harness.predict.predict import predict
from samfit.harness.record.cell import Cell
from samfit.harness.record.environment import environment
from samfit.harness.record.record import Compute, Parameters, Record, Timing, measured_source
from samfit.harness.step.step import Step, build_step, describe_method, describe_step
from samfit.harness.trace.observe import STEPS
from samfit.units import MIB

MEMORY_STEPS = 3  # after the warm-up; always as many, since routing makes peaks differ by step


def measure(cell: Cell) -> Record:
    """Run ``cell`` on its device: read its memory, trace it, then time its steps.

    Running out of memory is a result: the record's status is ``oom``.

    Raises:
        UserError: for a Cell that cannot be built, or a device that is not there.
    """
    return _run(cell, _times)


def measure_memory(cell: Cell) -> Record:
    """As ``measure``, but take no times: the step runs far fewer times."""
    return _run(cell, _no_times)


Times = Callable[[Step, list[float]], Timing]  # of a warm step; the list is its warm-up in ms


def _run(cell: Cell, times: Times) -> Record:
    """The record of ``cell``, with the ``times`` of its step."""
    if cell.device == "cuda" and not torch.cuda.is_available():
        raise UserError(
            "there is no CUDA device here: use --device cpu, or samfit predict, which needs none."
        )
    set_allocator_options(cell.alloc_conf)
    clock = time.perf_counter()
    record = Record(
        cell=cell,
        status="ok",
        source=measured_source(cell),
        traced=describe_step(cell),
        environment=environment(cell),
        started=datetime.now(timezone.utc).isoformat(timespec="seconds"),
    )
    try:
        record = _observe(record, times)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        record = replace(record, status="oom", message=first_line(error))
    if record.status == "oom":  # out of the handler, which keeps the failed step's frames alive
        record = _what_was_missing(record)
    return replace(record, duration_ms=1000 * (time.perf_counter() - clock))


def _times(step: Step, warmup_ms: list[float]) -> Timing:
    return time_steps(step.run, step.device, step.cell.batch_size, warmup_ms)


def _no_times(step: Step, warmup_ms: list[float]) -> Timing:
    return Timing()


def _observe(record: Record, times: Times) -> Record:
    """The record with memory and timing; tracing slows a step, so timed steps are not traced.

    Memory comes first: how many steps are timed depends on how long they take.
    """
    cell, device = record.cell, torch.device(record.cell.device)
    step = build_step(cell, device)
    warmup_ms = warm_up(step.run, device)
    measured = _cuda_memory(step) if device.type == "cuda" else None
    trace = step.trace()
    traced = traced_memory(trace)
    timing = times(step, warmup_ms)
    return replace(
        record,
        method=describe_method(step.model.adapter),
        params=Parameters(**step.model.parameter_counts()),
        memory=explain(measured, traced) if measured else traced,
        timing=timing,
        compute=Compute(flops_per_image=trace.flops // (STEPS * cell.batch_size)),
    )


def _cuda_memory(step: Step) -> Memory:
    """What the CUDA allocator counts over a few steps."""
    torch.cuda.reset_peak_memory_stats()
    for _ in range(MEMORY_STEPS):
        step.run()
    return read_cuda()


def _what_was_missing(record: Record) -> Record:
    """An out-of-memory record that says what the Cell needs, and which batch would need less."""
    predicted = predict(record.cell)
    assert predicted.memory is not None
    needed, free = predicted.memory.peak_allocated_bytes, _free_bytes(record.cell)
    message = f"out of memory: the step is predicted to hold {needed / MIB:,.0f} MiB at its peak"
    if free is not None:
        message += f", and {free / MIB:,.0f} MiB were free"
        if needed > free:
            message += f", {(needed - free) / MIB:,.0f} MiB less"
    return replace(
        record,
        message=f"{message}; {_advice(record.cell, needed, free)}",
        method=predicted.method,
        params=predicted.params,
    )


def _free_bytes(cell: Cell) -> int | None:
    """What the card had free when this process began; None for the CPU or a silent driver."""
    if cell.device == "cpu":
        return None
    foreign = foreign_bytes()
    card = torch.cuda.get_device_properties(CARD).total_memory
    return None if foreign is None else card - foreign


def _peak_bytes(cell: Cell) -> int:
    memory = predict(cell).memory
    assert memory is not None
    return memory.peak_allocated_bytes


def _advice(cell: Cell, needed: int, free: int | None) -> str:
    """A batch whose predicted peak is below ``free``: the largest, if the peak grows evenly.

    ``needed`` is the predicted peak of ``cell`` itself.
    """
    if free is not None and cell.batch_size > 1:
        one = _peak_bytes(replace(cell, batch_size=1))
        batch = 1 + (free - one) * (cell.batch_size - 1) // (needed - one)
        for candidate in range(min(batch, cell.batch_size - 1), 0, -1):
            held = _peak_bytes(replace(cell, batch_size=candidate))
            if held < free:
                return f"--batch-size {candidate} is predicted to hold {held / MIB:,.0f} MiB."
    return "use a smaller --batch-size, --backbone or --image-size."

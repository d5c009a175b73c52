"""Measure a Cell: the real step, on the device, in this process.

Run it in a fresh process (``run/isolate.py``): what an earlier Cell left in the allocator, in
cuBLAS or in caches would be measured with it.
"""

import time
from dataclasses import replace
from datetime import datetime, timezone

import torch

from adapters.core.errors import UserError
from harness.cell import Cell
from harness.environment import environment
from harness.memory.cuda import explain, read_cuda
from harness.memory.peak import traced_memory
from harness.predict import STEPS, predict, trace_steps
from harness.record import Compute, Measurement, Parameters
from harness.step import build_step, describe_method, describe_step
from harness.timing import time_steps, warm_up

CPU_OUT_OF_MEMORY = "DefaultCPUAllocator"  # torch's message about host memory begins so
MIB = 2**20


def measure(cell: Cell) -> Measurement:
    """Run ``cell`` on its device: time its steps, read its memory, then trace it.

    Running out of memory is a result: the record's status is ``oom``.

    Raises:
        UserError: for a Cell that cannot be built, or a device that is not there.
    """
    if cell.device == "cuda" and not torch.cuda.is_available():
        raise UserError(
            "there is no CUDA device here: use --device cpu, or samfit predict, which needs none."
        )
    clock = time.perf_counter()
    record = Measurement(
        cell=cell,
        status="ok",
        source="measured-cuda" if cell.device == "cuda" else "measured-cpu",
        traced=describe_step(cell),
        environment=environment(cell),
        started=datetime.now(timezone.utc).isoformat(timespec="seconds"),
    )
    try:
        record = _observe(record)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        record = replace(record, status="oom", message=str(error).splitlines()[0])
    if record.status == "oom":
        record = _what_was_missing(record)
    return replace(record, duration_ms=1000 * (time.perf_counter() - clock))


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether torch says that the device's memory, or the host's, is used up."""
    return isinstance(error, torch.OutOfMemoryError) or CPU_OUT_OF_MEMORY in str(error)


def _observe(record: Measurement) -> Measurement:
    """The record with timing and memory; tracing slows a step, so timed steps are not traced."""
    cell, device = record.cell, torch.device(record.cell.device)
    on_cuda = device.type == "cuda"
    step = build_step(cell, device)
    warmup_ms = warm_up(step.run, device)
    if on_cuda:
        torch.cuda.reset_peak_memory_stats()
    timing = time_steps(step.run, device, cell.batch_size, warmup_ms)
    measured = read_cuda() if on_cuda else None
    trace = trace_steps(step)
    traced = traced_memory(trace)
    return replace(
        record,
        method=describe_method(step),
        params=Parameters(**step.model.parameter_counts()),
        memory=explain(measured, traced) if measured else traced,
        timing=timing,
        compute=Compute(flops_per_image=trace.flops // (STEPS * cell.batch_size)),
    )


def _what_was_missing(record: Measurement) -> Measurement:
    """An out-of-memory record that says how much the Cell needs and which batch would fit."""
    predicted = predict(record.cell)
    assert predicted.memory is not None
    needed = predicted.memory.peak_reserved_bytes or predicted.memory.peak_allocated_bytes
    message = f"out of memory: predicted to need {needed / MIB:,.0f} MiB"
    card = record.environment["gpu_memory_bytes"]
    if card:
        message += f" of the card's {card / MIB:,.0f} MiB"
    return replace(
        record,
        message=f"{message}; {_advice(record.cell, card)}",
        method=predicted.method,
        params=predicted.params,
    )


def _advice(cell: Cell, card_bytes: int | None) -> str:
    """The largest halved batch that is predicted to fit ``card_bytes``."""
    batch = cell.batch_size // 2
    while card_bytes and batch:
        memory = predict(replace(cell, batch_size=batch)).memory
        if memory and memory.peak_reserved_bytes and memory.peak_reserved_bytes < card_bytes:
            return f"--batch-size {batch} is predicted to fit."
        batch //= 2
    return "use a smaller --batch-size, --backbone or --image-size."

"""The peak of a trace: how many bytes, when, where, and what they were."""

from collections import Counter
from itertools import accumulate

from harness.memory.replay import replay
from harness.memory.trace import CATEGORIES, ROUNDING, Trace
from harness.record import Memory, Timeline

TIMELINE_POINTS = 400


def predicted_cuda_memory(trace: Trace) -> Memory:
    """Memory of the trace's last step on CUDA, after a replay through the caching allocator."""
    result = replay(trace)
    return _memory(trace, result.block_bytes, "trace+replay", result.reserved_bytes)


def traced_memory(trace: Trace) -> Memory:
    """Memory of the trace's last step, counted in units of 512 bytes."""
    return _memory(trace, [a.nbytes for a in trace.allocations], "trace", None)


def _memory(trace: Trace, held: list[int], instrument: str, reserved: int | None) -> Memory:
    """``held`` is what each allocation occupies; the excess over its size is rounding."""
    changes = [0] * trace.events
    for allocation, nbytes in zip(trace.allocations, held, strict=True):
        changes[allocation.born] += nbytes
        if allocation.died is not None:
            changes[allocation.died] -= nbytes
    live = list(accumulate(changes))

    phases = _last_step(trace)
    start = phases[0][0]
    peak = max(range(start, trace.events), key=live.__getitem__)
    reached_by = next(a for a in reversed(trace.allocations) if a.born <= peak)

    breakdown: Counter[str] = Counter()
    for allocation, nbytes in zip(trace.allocations, held, strict=True):
        if allocation.born <= peak and (allocation.died is None or allocation.died > peak):
            breakdown[allocation.category] += allocation.nbytes
            breakdown[ROUNDING] += nbytes - allocation.nbytes
    return Memory(
        instrument=instrument,
        peak_allocated_bytes=live[peak],
        peak_reserved_bytes=reserved,
        breakdown_bytes={name: breakdown[name] for name in CATEGORIES},
        peak_phase=next(phase for event, phase in reversed(phases) if event <= peak),
        peak_module=reached_by.module,
        timeline=_timeline(live, phases),
    )


def _last_step(trace: Trace) -> list[tuple[int, str]]:
    """(event, phase) of the last step's phases."""
    first = trace.phase_starts[0][1]
    starts = [i for i, (_, phase) in enumerate(trace.phase_starts) if phase == first]
    return trace.phase_starts[starts[-1] :]


def _timeline(live: list[int], phases: list[tuple[int, str]]) -> Timeline:
    """Live bytes since the first phase, in equal buckets of which each shows its highest point."""
    start = phases[0][0]
    width = max(1, -(-(len(live) - start) // TIMELINE_POINTS))
    points = [max(live[i : i + width]) for i in range(start, len(live), width)]
    return Timeline(
        live_bytes=points,
        phase_starts={phase: (event - start) // width for event, phase in phases},
    )

"""The peak of a trace: how many bytes, when, where, and what they were."""

from collections import Counter
from collections.abc import Iterator
from itertools import accumulate

from samfit.harness.memory.figures import Memory, Timeline
from samfit.harness.memory.replay import Replay
from samfit.harness.trace.trace import CATEGORIES, ROUNDING, Allocation, Trace

TIMELINE_POINTS = 400


def bytes_at_peak(trace: Trace, held: list[int]) -> Counter[tuple[str, str]]:
    """Bytes that are alive at the peak of the last step, by module and category.

    ``held`` is what each allocation occupies; the excess over its size is rounding.
    """
    found: Counter[tuple[str, str]] = Counter()
    for allocation, nbytes in alive_at(trace, held, _peak(trace, live_bytes(trace, held))):
        found[allocation.module, allocation.category] += allocation.nbytes
        found[allocation.module, ROUNDING] += nbytes - allocation.nbytes
    return found


def alive_at(trace: Trace, held: list[int], event: int) -> Iterator[tuple[Allocation, int]]:
    """What is alive after an event, and what it occupies."""
    for allocation, nbytes in zip(trace.allocations, held, strict=True):
        if allocation.born <= event and (allocation.died is None or allocation.died > event):
            yield allocation, nbytes


def traced_memory(trace: Trace, replayed: Replay | None = None) -> Memory:
    """Memory of the trace's last step: on CUDA, if ``replayed`` through the caching allocator.

    Otherwise it is counted in units of 512 bytes.
    """
    held = replayed.block_bytes if replayed else [a.nbytes for a in trace.allocations]
    live, phases = live_bytes(trace, held), _last_step(trace)
    peak = _peak(trace, live)
    reached_by = born_last(trace, peak)

    breakdown: Counter[str] = Counter()
    for (_, category), nbytes in bytes_at_peak(trace, held).items():
        breakdown[category] += nbytes
    return Memory(
        instrument="trace+replay" if replayed else "trace",
        peak_allocated_bytes=live[peak],
        peak_reserved_bytes=replayed.peak_reserved_bytes if replayed else None,
        breakdown_bytes={name: breakdown[name] for name in CATEGORIES},
        peak_phase=next(phase for event, phase in reversed(phases) if event <= peak),
        peak_module=reached_by.module,
        timeline=_timeline(live, phases),
    )


def born_last(trace: Trace, event: int) -> Allocation:
    """The allocation that was made last until an event: at a peak, that by which it is reached."""
    return next(a for a in reversed(trace.allocations) if a.born <= event)


def live_bytes(trace: Trace, held: list[int]) -> list[int]:
    """Bytes that are alive after each event, if each allocation occupies what ``held`` says."""
    changes = [0] * trace.events
    for allocation, nbytes in zip(trace.allocations, held, strict=True):
        changes[allocation.born] += nbytes
        if allocation.died is not None:
            changes[allocation.died] -= nbytes
    return list(accumulate(changes))


def _peak(trace: Trace, live: list[int]) -> int:
    """The event of the last step after which most is alive, the first of equals."""
    start = _last_step(trace)[0][0]
    return max(range(start, trace.events), key=live.__getitem__)


def _last_step(trace: Trace) -> list[tuple[int, str]]:
    """(event, phase) of the last step's phases; a step may enter each but its last repeatedly."""
    *before, (_, last) = trace.phase_starts
    ends = [i + 1 for i, (_, phase) in enumerate(before) if phase == last]
    return trace.phase_starts[ends[-1] if ends else 0 :]


def in_buckets(live: list[int]) -> tuple[list[int], int]:
    """The highest point of each of a few hundred equal buckets, and how many events one has."""
    width = max(1, -(-len(live) // TIMELINE_POINTS))
    return [max(live[i : i + width]) for i in range(0, len(live), width)], width


def _timeline(live: list[int], phases: list[tuple[int, str]]) -> Timeline:
    """Live bytes since the first phase, in equal buckets of which each shows its highest point."""
    start = phases[0][0]
    points, width = in_buckets(live[start:])
    starts: dict[str, int] = {}
    for event, phase in phases:
        starts.setdefault(phase, (event - start) // width)
    return Timeline(live_bytes=points, phase_starts=starts)

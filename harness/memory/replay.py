"""The replay of a trace through the model of the caching allocator."""

from dataclasses import dataclass

from samfit.harness.memory.allocator import (
    AllocatorOptions,
    Block,
    CachingAllocator,
    DoesNotFitError,
)
from samfit.harness.trace.trace import Trace


@dataclass(frozen=True)
class Replay:
    """What the allocator did with a trace.

    Attributes:
        block_bytes: size of the block that served each allocation, in the trace's order; 0 for one
            that was left out.
        peak_allocated_bytes: the most in blocks that were in use.
        peak_reserved_bytes: the most that the driver had given.
        fragmentation_bytes: reserved but not in use, when the peak of reserved was reached.
    """

    block_bytes: list[int]
    peak_allocated_bytes: int
    peak_reserved_bytes: int
    fragmentation_bytes: int


def replay(
    trace: Trace, options: AllocatorOptions | None = None, capacity_bytes: int | None = None
) -> Replay:
    """Put a trace's allocations and frees through the allocator, in their order.

    A trace fits a card if and only if this returns; without ``capacity_bytes`` it always does. A
    soft allocation that does not fit is left out: PyTorch then computes in a way that needs less.

    Raises:
        DoesNotFitError: at the first request that cannot be served within ``capacity_bytes``.
    """
    allocator = CachingAllocator(options, capacity_bytes)
    held: dict[int, Block] = {}
    forgone: set[int] = set()
    block_bytes = [0] * len(trace.allocations)
    peak_allocated = peak_reserved = fragmentation = 0
    for index in _moments(trace):
        request = trace.allocations[index]
        if index in held:
            allocator.release(held.pop(index))
            continue
        if index in forgone:
            continue
        try:
            held[index] = block = allocator.allocate(request.nbytes)
        except DoesNotFitError:
            if not request.soft:
                raise
            forgone.add(index)
            continue
        block_bytes[index] = block.nbytes
        peak_allocated = max(peak_allocated, allocator.allocated)
        if allocator.reserved > peak_reserved:
            peak_reserved = allocator.reserved
            fragmentation = allocator.reserved - allocator.allocated
    return Replay(block_bytes, peak_allocated, peak_reserved, fragmentation)


def _moments(trace: Trace) -> list[int]:
    """Indices of allocations, in the order in which they are born, and again when they die."""
    moments = {}
    for index, allocation in enumerate(trace.allocations):
        # What has no bytes on the device, such as the optimizer's step counters, is no request.
        if allocation.nbytes:
            moments[allocation.born] = index
            if allocation.died is not None:
                moments[allocation.died] = index
    return [moments[event] for event in sorted(moments)]

"""A model of PyTorch's CUDA caching allocator, and the replay of a trace through it.

The allocator takes segments from the driver and cuts them into blocks. A request is served by the
smallest free block that is large enough, which is split only if enough would remain; what is not
split off counts as allocated. So ``torch.cuda.max_memory_allocated`` exceeds the bytes that were
asked for: a 25 MiB weight of ViT-H takes a block of 26 MiB, 64 times over.

Modelled after c10/cuda/CUDACachingAllocator.cpp with its default options, one stream, and no limit
on the card's memory.
"""

import bisect
from dataclasses import dataclass, field

from harness.memory.trace import ROUND_BYTES, Trace

MIB = 2**20
SMALL_REQUEST = 1 * MIB  # up to here requests share small segments
SMALL_SEGMENT = 2 * MIB
LARGE_SEGMENT = 20 * MIB
LARGE_REQUEST = 10 * MIB  # from here each request gets its own segment
SEGMENT_ROUND = 2 * MIB


@dataclass(slots=True, eq=False)
class Block:
    """A piece of a segment; neighbours within the segment are linked."""

    address: int
    nbytes: int
    small: bool
    free: bool = False
    before: "Block | None" = None
    after: "Block | None" = None


@dataclass
class CachingAllocator:
    """The state of the allocator.

    Attributes:
        allocated: bytes in blocks that are in use.
        reserved: bytes in segments.
    """

    allocated: int = 0
    reserved: int = 0
    _free: dict[bool, list[tuple[int, int]]] = field(default_factory=lambda: {True: [], False: []})
    _by_address: dict[int, Block] = field(default_factory=dict)

    def allocate(self, nbytes: int) -> Block:
        """A block of at least ``nbytes``."""
        nbytes = max(ROUND_BYTES, -(-nbytes // ROUND_BYTES) * ROUND_BYTES)
        small = nbytes <= SMALL_REQUEST
        block = self._best_fit(nbytes, small) or self._new_segment(nbytes, small)
        remaining = block.nbytes - nbytes
        if remaining >= ROUND_BYTES if small else remaining > SMALL_REQUEST:
            self._split(block, nbytes)
        block.free = False
        self.allocated += block.nbytes
        return block

    def release(self, block: Block) -> None:
        """Give a block back; it merges with free neighbours and stays reserved."""
        assert not block.free, "a block is released once"
        self.allocated -= block.nbytes
        if block.after and block.after.free:
            self._take(block.after)
            self._absorb(block)
        if block.before and block.before.free:
            block = block.before
            self._take(block)
            self._absorb(block)
        self._offer(block)

    def blocks(self) -> list[Block]:
        """All blocks, used and free, in order of address."""
        return [self._by_address[address] for address in sorted(self._by_address)]

    def _best_fit(self, nbytes: int, small: bool) -> Block | None:
        """The smallest free block that is large enough; of equals the one lowest in memory."""
        free = self._free[small]
        position = bisect.bisect_left(free, (nbytes, 0))
        if position == len(free):
            return None
        return self._by_address[free.pop(position)[1]]

    def _new_segment(self, nbytes: int, small: bool) -> Block:
        if small:
            size = SMALL_SEGMENT
        elif nbytes < LARGE_REQUEST:
            size = LARGE_SEGMENT
        else:
            size = -(-nbytes // SEGMENT_ROUND) * SEGMENT_ROUND
        block = Block(self.reserved, size, small)
        self._by_address[block.address] = block
        self.reserved += size
        return block

    def _split(self, block: Block, nbytes: int) -> None:
        rest = Block(
            block.address + nbytes, block.nbytes - nbytes, block.small, True, block, block.after
        )
        if block.after:
            block.after.before = rest
        block.after, block.nbytes = rest, nbytes
        self._by_address[rest.address] = rest
        self._offer(rest)

    def _absorb(self, block: Block) -> None:
        """Make the block after ``block`` part of it."""
        gone = block.after
        assert gone is not None
        block.nbytes += gone.nbytes
        block.after = gone.after
        if gone.after:
            gone.after.before = block
        del self._by_address[gone.address]

    def _offer(self, block: Block) -> None:
        block.free = True
        bisect.insort(self._free[block.small], (block.nbytes, block.address))

    def _take(self, block: Block) -> None:
        free = self._free[block.small]
        free.pop(bisect.bisect_left(free, (block.nbytes, block.address)))


@dataclass(frozen=True)
class Replay:
    """What the allocator did with a trace.

    Attributes:
        block_bytes: size of the block that served each allocation, in the trace's order.
        reserved_bytes: the peak, which is also the end: nothing is given back to the driver.
    """

    block_bytes: list[int]
    reserved_bytes: int


def replay(trace: Trace) -> Replay:
    """Put a trace's allocations and frees through the allocator, in their order."""
    # What has no bytes on the device, such as the optimizer's step counters, is no request.
    lives = [(i, a) for i, a in enumerate(trace.allocations) if a.nbytes]
    moments = [(a.born, i, True) for i, a in lives]
    moments += [(a.died, i, False) for i, a in lives if a.died is not None]
    allocator, held = CachingAllocator(), {}
    block_bytes = [0] * len(trace.allocations)
    for _, index, birth in sorted(moments):
        if birth:
            held[index] = allocator.allocate(trace.allocations[index].nbytes)
            block_bytes[index] = held[index].nbytes
        else:
            allocator.release(held.pop(index))
    return Replay(block_bytes, allocator.reserved)

"""The pools of PyTorch's CUDA caching allocator: segments, the blocks in them, the driver below.

Modelled after c10/cuda/CUDACachingAllocator.cpp, for one stream.
"""

from abc import ABC, abstractmethod
from bisect import bisect_left, insort
from dataclasses import dataclass

from samfit.harness.trace.trace import ROUND_BYTES
from samfit.units import MIB

SMALL_REQUEST = 1 * MIB  # up to here requests share small segments
SMALL_SEGMENT = 2 * MIB
LARGE_SEGMENT = 20 * MIB
LARGE_REQUEST = 10 * MIB  # from here each request gets its own segment
SEGMENT_ROUND = 2 * MIB
NO_LIMIT = 2**60  # bytes; no card has as many


@dataclass(slots=True, eq=False)
class Block:
    """A piece of a segment; neighbours within the segment are linked.

    What is not ``mapped`` is address space without memory.
    """

    address: int
    nbytes: int
    free: bool = True
    mapped: bool = True
    before: "Block | None" = None
    after: "Block | None" = None

    def cut(self, nbytes: int) -> "Block":
        """Keep the first ``nbytes``; the rest becomes the block after this one."""
        rest = Block(
            self.address + nbytes, self.nbytes - nbytes, self.free, self.mapped, self, self.after
        )
        if rest.after:
            rest.after.before = rest
        self.after, self.nbytes = rest, nbytes
        return rest

    def absorb(self) -> None:
        """Make the block after this one part of it."""
        gone = self.after
        assert gone is not None
        self.nbytes += gone.nbytes
        self.after = gone.after
        if gone.after:
            gone.after.before = self


@dataclass
class Driver:
    """The card's memory, without data.

    Attributes:
        capacity: bytes that there are; at least one.
        reserved: bytes that are taken.
    """

    capacity: int
    reserved: int = 0
    _next_address: int = 0

    def take(self, nbytes: int) -> bool:
        """Reserve ``nbytes``; False, and nothing is reserved, where so much is not left."""
        if self.reserved + nbytes > self.capacity:
            return False
        self.reserved += nbytes
        return True

    def give_back(self, nbytes: int) -> None:
        """End a reservation."""
        self.reserved -= nbytes

    def addresses(self, nbytes: int) -> int:
        """Where ``nbytes`` of new address space begin: above all before, at a page of any size."""
        start = round_up(self._next_address, LARGE_SEGMENT)
        self._next_address = start + nbytes
        return start


class Pool(ABC):
    """The segments for small requests, or for large ones, and the free blocks in them."""

    def __init__(self, driver: Driver, max_split: int) -> None:
        self.driver = driver
        self.max_split = max_split
        self.segments: dict[int, Block] = {}  # address -> first block
        self._free: list[tuple[int, int, Block]] = []  # (bytes, address, block), sorted

    @abstractmethod
    def grow(self, nbytes: int) -> Block | None:
        """A block of at least ``nbytes`` from the driver; None where it has not enough."""

    @abstractmethod
    def give_back(self) -> None:
        """Give the driver all that is free and that it can take."""

    def give_back_oversize(self, nbytes: int) -> bool:
        """Give the driver oversize blocks until that makes ``nbytes``; False if it never does."""
        return False

    def fit(self, nbytes: int) -> Block | None:
        """The free block that serves a request best; of equals the one lowest in memory."""
        position = self._best(nbytes)
        if position == len(self._free):
            return None
        size = self._free[position][0]
        # Oversize blocks serve oversize requests only, and only if they are not much larger.
        if nbytes < self.max_split <= size:
            return None
        if nbytes >= self.max_split and size >= nbytes + LARGE_SEGMENT:
            return None
        return self._free.pop(position)[2]

    def split(self, block: Block, nbytes: int) -> None:
        """Split off what ``block`` has beyond ``nbytes``, if that is enough to be of use."""
        if self._splits(block, nbytes):
            self._list(block.cut(nbytes))

    def offer(self, block: Block) -> Block:
        """Let a block be used again, merged with its free neighbours; returns the whole."""
        block.free = True
        if block.after and block.after.free and block.after.mapped == block.mapped:
            self._unlist(block.after)
            block.absorb()
        if block.before and block.before.free and block.before.mapped == block.mapped:
            block = block.before
            self._unlist(block)
            block.absorb()
        self._list(block)
        return block

    def _splits(self, block: Block, nbytes: int) -> bool:
        return block.nbytes - nbytes >= ROUND_BYTES

    def _best(self, nbytes: int) -> int:
        """Position of the smallest free block that is large enough."""
        return bisect_left(self._free, (nbytes,))

    def _list(self, block: Block) -> None:
        insort(self._free, (block.nbytes, block.address, block))

    def _unlist(self, block: Block) -> None:
        self._free.pop(bisect_left(self._free, (block.nbytes, block.address)))


class FixedPool(Pool):
    """Segments that stay as the driver gave them, and that it takes back as a whole.

    Small requests share one; a large one has its own, or shares it with a few.
    """

    def grow(self, nbytes: int) -> Block | None:
        size = LARGE_SEGMENT if nbytes < LARGE_REQUEST else round_up(nbytes, SEGMENT_ROUND)
        if nbytes <= SMALL_REQUEST:
            size = SMALL_SEGMENT
        if not self.driver.take(size):
            return None
        block = Block(self.driver.addresses(size), size)
        self.segments[block.address] = block
        return block

    def give_back(self) -> None:
        for _, _, block in list(self._free):
            if not block.before and not block.after:
                self._give_back(block)

    def _give_back(self, block: Block) -> None:
        self._unlist(block)
        del self.segments[block.address]
        self.driver.give_back(block.nbytes)

    def _splits(self, block: Block, nbytes: int) -> bool:
        if nbytes <= SMALL_REQUEST:
            return super()._splits(block, nbytes)
        return nbytes < self.max_split and block.nbytes - nbytes > SMALL_REQUEST

    def give_back_oversize(self, nbytes: int) -> bool:
        wanted = max(nbytes, self.max_split)
        position = self._best(wanted)
        if position < len(self._free):
            self._give_back(self._free[position][2])
            return True
        given = 0
        while given < wanted and self._free and self._free[-1][0] >= self.max_split:
            given += self._free[-1][0]
            self._give_back(self._free[-1][2])
        return given >= wanted


class ExpandablePool(Pool):
    """Address space, behind which memory is put, and from which it is taken, by pages.

    One segment is enough, unless gaps use up its address space.
    """

    def __init__(self, driver: Driver, max_split: int, page: int) -> None:
        super().__init__(driver, max_split)
        self.page = page
        self._unmapped: list[tuple[int, Block]] = []  # (address, block), sorted

    def grow(self, nbytes: int) -> Block | None:
        block: Block | None = self._lowest_room(nbytes) or self._new_segment()
        if block and not block.mapped:
            block = self._map(block, nbytes)
        while block and block.nbytes < nbytes:
            assert block.after is not None
            block = self._map(block.after, nbytes - block.nbytes)
        if block:
            self._unlist(block)
        return block

    def give_back(self) -> None:
        for _, _, block in list(self._free):
            self._unmap(block)

    def _best(self, nbytes: int) -> int:
        # A block that can grow counts as large as it can become, so that others are used first.
        # As in PyTorch, the search ends at the first block that is not better than the last.
        position, free = super()._best(nbytes), self._free
        while position + 1 < len(free) and _room(free[position + 1][2]) < _room(free[position][2]):
            position += 1
        return position

    def _lowest_room(self, nbytes: int) -> Block | None:
        """The first of adjacent blocks, free or unmapped, that have ``nbytes`` together."""
        for _, block in self._unmapped:
            first = block.before if block.before and block.before.free else block
            room, last = first.nbytes, first.after
            while room < nbytes and last and last.free:
                room += last.nbytes
                last = last.after
            if room >= nbytes:
                return first
        return None

    def _new_segment(self) -> Block:
        size = round_up(self.driver.capacity + self.driver.capacity // 8, self.page)
        block = Block(self.driver.addresses(size), size, mapped=False)
        self.segments[block.address] = self.offer(block)
        return block

    def _map(self, block: Block, nbytes: int) -> Block | None:
        """Put memory behind ``nbytes`` of an unmapped block, or behind all of it if it has less."""
        size = min(block.nbytes, round_up(nbytes, self.page))
        if not self.driver.take(size):
            return None
        self._unlist(block)
        if size < block.nbytes:
            self._list(block.cut(size))
        block.mapped = True
        return self.offer(block)

    def _unmap(self, block: Block) -> None:
        """Give the driver the pages that lie in a free block as a whole."""
        start = round_up(block.address, self.page)
        size = (block.address + block.nbytes) // self.page * self.page - start
        if size <= 0:
            return
        self._unlist(block)
        if block.address < start:
            pages = block.cut(start - block.address)
            self._list(block)
            block = pages
        if size < block.nbytes:
            self._list(block.cut(size))
        block.mapped = False
        self.driver.give_back(size)
        block = self.offer(block)
        if not block.before and not block.after:  # the whole segment
            self._unlist(block)
            del self.segments[block.address]

    def _list(self, block: Block) -> None:
        if block.mapped:
            super()._list(block)
        else:
            insort(self._unmapped, (block.address, block))

    def _unlist(self, block: Block) -> None:
        if block.mapped:
            super()._unlist(block)
        else:
            self._unmapped.pop(bisect_left(self._unmapped, (block.address,)))


def round_up(nbytes: int, unit: int) -> int:
    """The next multiple of ``unit``."""
    return -(-nbytes // unit) * unit


def _room(block: Block) -> int:
    """Bytes of a free block and of the address space after it."""
    after = block.after
    return block.nbytes + (after.nbytes if after and not after.mapped else 0)

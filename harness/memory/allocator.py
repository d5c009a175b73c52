"""A model of PyTorch's CUDA caching allocator.

The allocator takes segments from the driver and cuts them into blocks. A request is served by the
smallest free block that is large enough, which is split only if enough would remain; what is not
split off counts as allocated. So ``torch.cuda.max_memory_allocated`` exceeds the bytes that were
asked for: a 25 MiB weight of ViT-H takes a block of 26 MiB, 64 times over. A block that is released
merges with its free neighbours and stays reserved; only a full card makes the allocator give memory
back to the driver.

Modelled after c10/cuda/CUDACachingAllocator.cpp and c10/core/AllocatorConfig.cpp, for one stream.
"""

from dataclasses import dataclass, replace

from samfit.errors import UserError
from samfit.harness.memory.pools import (
    LARGE_SEGMENT,
    MIB,
    NO_LIMIT,
    SMALL_REQUEST,
    SMALL_SEGMENT,
    Block,
    Driver,
    ExpandablePool,
    FixedPool,
    Pool,
    round_up,
)
from samfit.harness.trace.trace import ROUND_BYTES


@dataclass(frozen=True)
class AllocatorOptions:
    """What PYTORCH_CUDA_ALLOC_CONF sets, which PyTorch 2.9 and later also call PYTORCH_ALLOC_CONF.

    Attributes:
        expandable_segments: segments grow, and shrink, by pages.
        max_split_bytes: blocks of this size and more are oversize: they are not split, serve no
            smaller requests, and are the first that a full card gives back; None: no block is.
        roundup_power2_divisions: a request is rounded up to one of so many steps between two powers
            of two; 1: it is not.
    """

    expandable_segments: bool = False
    max_split_bytes: int | None = None
    roundup_power2_divisions: int = 1

    @classmethod
    def parse(cls, text: str) -> "AllocatorOptions":
        """Read ``option:value,option:value``; blanks do not count, and the last of a name does.

        Raises:
            UserError: for an option that is not modelled, or a value that PyTorch refuses.
        """
        options = cls()
        for part in filter(None, "".join(text.split()).split(",")):
            name, _, value = part.partition(":")
            number = int(value) if value.isdecimal() else 0
            if name == "expandable_segments" and value in ("True", "False"):
                options = replace(options, expandable_segments=value == "True")
            elif name == "max_split_size_mb" and number * MIB >= LARGE_SEGMENT:
                options = replace(options, max_split_bytes=number * MIB)
            elif name == "roundup_power2_divisions" and number.bit_count() == 1:
                options = replace(options, roundup_power2_divisions=number)
            else:
                raise UserError(
                    f"allocator option {part!r} is not modelled: give expandable_segments:True or "
                    "expandable_segments:False, max_split_size_mb:N with N of at least 20, "
                    "roundup_power2_divisions:N with N a power of two, or several with commas."
                )
        return options


@dataclass(eq=False)
class DoesNotFitError(Exception):
    """A request for which the card has not enough memory, after all that can be given back was.

    Attributes:
        asked_bytes: the request, rounded up by the allocator.
        allocated_bytes: in blocks that are in use.
        reserved_bytes: in segments, which hold these blocks and what is free between them.
        capacity_bytes: the limit on ``reserved_bytes``.
    """

    asked_bytes: int
    allocated_bytes: int
    reserved_bytes: int
    capacity_bytes: int

    def __str__(self) -> str:
        return (
            f"{self.asked_bytes / MIB:,.1f} MiB do not fit: of {self.capacity_bytes / MIB:,.1f} "
            f"MiB, {self.allocated_bytes / MIB:,.1f} MiB are in use and "
            f"{(self.reserved_bytes - self.allocated_bytes) / MIB:,.1f} MiB free, but in pieces"
        )


class CachingAllocator:
    """The state of the allocator.

    Attributes:
        allocated: bytes in blocks that are in use.
    """

    def __init__(
        self, options: AllocatorOptions | None = None, capacity_bytes: int | None = None
    ) -> None:
        self.options = options or AllocatorOptions()
        self.allocated = 0
        self._driver = Driver(NO_LIMIT if capacity_bytes is None else capacity_bytes)
        max_split = self.options.max_split_bytes or NO_LIMIT
        self._small: Pool = FixedPool(self._driver, max_split)
        self._large: Pool = FixedPool(self._driver, max_split)
        if self.options.expandable_segments:
            self._small = ExpandablePool(self._driver, max_split, page=SMALL_SEGMENT)
            self._large = ExpandablePool(self._driver, max_split, page=LARGE_SEGMENT)

    @property
    def reserved(self) -> int:
        """Bytes in segments."""
        return self._driver.reserved

    def allocate(self, nbytes: int) -> Block:
        """A block of at least ``nbytes``.

        Raises:
            DoesNotFitError: if the capacity does not allow it.
        """
        nbytes = self._rounded(nbytes)
        pool = self._pool(nbytes)
        block = pool.fit(nbytes) or pool.grow(nbytes) or self._give_back_and_grow(pool, nbytes)
        pool.split(block, nbytes)
        block.free = False
        self.allocated += block.nbytes
        return block

    def release(self, block: Block) -> None:
        """Take a block back; it stays reserved."""
        assert not block.free, "a block is released once"
        self.allocated -= block.nbytes
        self._pool(block.nbytes).offer(block)

    def _pool(self, nbytes: int) -> Pool:
        """Of a request, or of the block that served it: small ones are always split to size."""
        return self._small if nbytes <= SMALL_REQUEST else self._large

    def _rounded(self, nbytes: int) -> int:
        """To whole units of 512 bytes, or of a division of a power of two where that is larger."""
        divisions = self.options.roundup_power2_divisions
        unit = ROUND_BYTES
        if divisions > 1 and nbytes > unit * divisions:
            unit = 2 ** (nbytes.bit_length() - 1) // divisions
        return max(ROUND_BYTES, round_up(nbytes, unit))

    def _give_back_and_grow(self, pool: Pool, nbytes: int) -> Block:
        block = pool.grow(nbytes) if pool.give_back_oversize(nbytes) else None
        if not block:
            self._large.give_back()
            self._small.give_back()
            block = pool.grow(nbytes)
        if not block:
            raise DoesNotFitError(nbytes, self.allocated, self.reserved, self._driver.capacity)
        return block

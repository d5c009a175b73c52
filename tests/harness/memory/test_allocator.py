"""The model of the caching allocator: against PyTorch's own, by its rules, and by properties."""

import pickle
import random
import zlib
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings, strategies as st
from user_error import user_error

from samfit.harness.memory.allocator import AllocatorOptions, CachingAllocator, DoesNotFitError
from samfit.harness.memory.pools import LARGE_SEGMENT, MIB, SMALL_SEGMENT, round_up

EXPANDABLE = AllocatorOptions(expandable_segments=True)
OVERSIZE_FROM_100 = AllocatorOptions(max_split_bytes=100 * MIB)


def program(length):
    """(bytes, number): ask for the bytes or, where they are 0, release one of what is held."""
    numbers = random.Random(20).random
    for _ in range(length):
        largest = (5000, MIB, 8 * MIB, 70 * MIB)[int(numbers() * 4)]
        yield int(numbers() * largest) + 1 if numbers() < 0.6 else 0, int(numbers() * 2**20)


def outcome(options, capacity_mib):
    """(requests refused, peak of reserved in MiB, check sum of block and reserved bytes)."""
    allocator, held, history = CachingAllocator(options, capacity_mib * MIB), [], []
    for nbytes, number in program(600):
        if not nbytes and held:
            allocator.release(held.pop(number % len(held)))
        elif nbytes:
            try:
                held.append(allocator.allocate(nbytes))
                history.append((held[-1].nbytes, allocator.reserved))
            except DoesNotFitError:
                history.append((0, allocator.reserved))
    refused = sum(block == 0 for block, _ in history)
    peak = max(reserved for _, reserved in history) // MIB
    return refused, peak, zlib.crc32(repr(history).encode())


# What PyTorch 2.15.0 made of the program: its own allocator, over a stand-in for the CUDA runtime
# that keeps account of memory without having any.
@pytest.mark.parametrize(
    ("text", "capacity_mib", "expected"),
    [
        ("", 2**20, (0, 1484, 3672959288)),
        ("", 1000, (11, 1000, 1477817974)),
        ("", 700, (17, 700, 1015521631)),
        ("expandable_segments:True", 2**20, (0, 1380, 1789807952)),
        ("expandable_segments:True", 1000, (8, 998, 2624382608)),
        ("expandable_segments:True", 700, (19, 696, 1118832534)),
        ("max_split_size_mb:20", 1500, (0, 1494, 3903549177)),
        ("max_split_size_mb:20", 700, (24, 700, 3339429905)),
        ("max_split_size_mb:40", 1500, (0, 1462, 2806823193)),
        ("max_split_size_mb:40", 700, (15, 700, 650271234)),
        ("roundup_power2_divisions:4", 2**20, (0, 1560, 1405193402)),
        ("roundup_power2_divisions:4", 1000, (11, 990, 2675035534)),
        (
            "expandable_segments:True,max_split_size_mb:32,roundup_power2_divisions:8",
            1500,
            (0, 1474, 2262658468),
        ),
    ],
)
def test_a_long_program_ends_as_with_pytorch(text, capacity_mib, expected):
    assert outcome(AllocatorOptions.parse(text), capacity_mib) == expected


@pytest.mark.parametrize(
    ("asked", "allocated", "reserved"),
    [
        (1, 512, 2 * MIB),
        (513, 1024, 2 * MIB),
        (MIB, MIB, 2 * MIB),
        (MIB + 1, MIB + 512, 20 * MIB),
        (10 * MIB, 10 * MIB, 10 * MIB),
        (25 * MIB, 26 * MIB, 26 * MIB),  # the rest of 1 MiB is not split off
        (19 * MIB - 512, 19 * MIB - 512, 20 * MIB),
        (int(18.75 * MIB), int(18.75 * MIB), 20 * MIB),  # the rest of 1.25 MiB is
    ],
)
def test_sizes_of_blocks_and_segments(asked, allocated, reserved):
    allocator = CachingAllocator()
    allocator.allocate(asked)
    assert (allocator.allocated, allocator.reserved) == (allocated, reserved)


@pytest.mark.parametrize(
    ("asked", "allocated", "reserved"),
    [
        (1, 512, 2 * MIB),
        (MIB + 1, MIB + 512, 20 * MIB),
        (25 * MIB, 25 * MIB, 40 * MIB),  # pages of 20 MiB; the rest is always split off
        (40 * MIB, 40 * MIB, 40 * MIB),
    ],
)
def test_sizes_of_blocks_and_pages(asked, allocated, reserved):
    allocator = CachingAllocator(EXPANDABLE)
    allocator.allocate(asked)
    assert (allocator.allocated, allocator.reserved) == (allocated, reserved)


def test_small_requests_share_a_segment():
    allocator = CachingAllocator()
    for _ in range(4):
        allocator.allocate(MIB // 2)
    assert allocator.reserved == 2 * MIB


def test_best_fit_takes_the_smallest_block_that_is_large_enough():
    allocator = CachingAllocator()
    large, small = allocator.allocate(100 * MIB), allocator.allocate(40 * MIB)
    allocator.release(large)
    allocator.release(small)
    assert allocator.allocate(30 * MIB).address == small.address


def test_released_memory_stays_reserved_and_is_used_again():
    allocator = CachingAllocator()
    for _ in range(3):
        allocator.release(allocator.allocate(64 * MIB))
    assert (allocator.allocated, allocator.reserved) == (0, 64 * MIB)


def test_requests_that_grow_reuse_an_expandable_segment_and_no_other():
    reserved = {}
    for options in (AllocatorOptions(), EXPANDABLE):
        allocator = CachingAllocator(options)
        for size in (20, 40, 60, 80):
            allocator.release(allocator.allocate(size * MIB))
        reserved[options] = allocator.reserved
    assert reserved == {AllocatorOptions(): 200 * MIB, EXPANDABLE: 80 * MIB}


def test_the_end_of_an_expandable_segment_is_kept_for_what_needs_it():
    allocator = CachingAllocator(EXPANDABLE)
    gap, _ = allocator.allocate(19 * MIB), allocator.allocate(3 * MIB)
    allocator.release(gap)  # 19 MiB are free here, 18 MiB at the end, which can grow
    assert allocator.allocate(2 * MIB).address == gap.address


def test_a_full_card_makes_room_of_free_segments_but_not_of_parts():
    allocator = CachingAllocator(capacity_bytes=100 * MIB)
    whole, partly, _ = (allocator.allocate(size * MIB) for size in (40, 15, 5))
    allocator.release(whole)
    allocator.release(partly)  # its segment of 16 MiB is whole, too; that of 5 MiB is not
    allocator.allocate(80 * MIB)
    assert allocator.reserved == 100 * MIB


def test_a_full_card_takes_the_free_pages_of_an_expandable_segment():
    allocator = CachingAllocator(EXPANDABLE, capacity_bytes=100 * MIB)
    hole, _ = allocator.allocate(50 * MIB), allocator.allocate(50 * MIB)
    allocator.release(hole)
    for _ in range(40):  # two pages of 20 MiB lie within the hole; they become 20 of 2 MiB
        allocator.allocate(MIB)
    assert allocator.reserved == 100 * MIB
    allocator.allocate(10 * MIB)  # what is left of the hole


def test_gaps_in_an_expandable_segment_are_filled_before_it_grows():
    allocator = CachingAllocator(EXPANDABLE, capacity_bytes=200 * MIB)
    gap, last = allocator.allocate(60 * MIB), allocator.allocate(20 * MIB)
    allocator.release(gap)
    assert allocator.allocate(160 * MIB).address > last.address  # with the memory of the gap
    assert allocator.allocate(20 * MIB).address == gap.address


def test_oversize_blocks_are_neither_split_nor_given_to_smaller_requests():
    allocator = CachingAllocator(OVERSIZE_FROM_100)
    oversize = allocator.allocate(130 * MIB)
    allocator.release(oversize)
    assert allocator.allocate(99 * MIB).address != oversize.address
    assert allocator.allocate(110 * MIB).address != oversize.address  # 20 MiB smaller: too much
    block = allocator.allocate(111 * MIB)
    assert (block.address, block.nbytes) == (oversize.address, 130 * MIB)


def test_a_full_card_gives_back_oversize_blocks_first_and_no_more_than_it_needs():
    allocator = CachingAllocator(OVERSIZE_FROM_100, capacity_bytes=500 * MIB)
    held = [allocator.allocate(size * MIB) for size in (100, 130, 160, 60)]
    for block in held:
        allocator.release(block)
    allocator.allocate(105 * MIB)  # from the driver, in the place of the block of 130 MiB
    assert allocator.reserved == (100 + 160 + 60 + 106) * MIB
    allocator.allocate(200 * MIB)  # the blocks of 160 and 100 MiB together
    assert allocator.reserved == (60 + 106 + 200) * MIB


def test_what_does_not_fit_says_what_was_held():
    allocator = CachingAllocator(capacity_bytes=64 * MIB)
    cached, _ = allocator.allocate(20 * MIB), allocator.allocate(30 * MIB)
    allocator.release(cached)
    with pytest.raises(DoesNotFitError, match=r"40\.0 MiB do not fit: of 64\.0 MiB") as caught:
        allocator.allocate(40 * MIB)
    error = pickle.loads(pickle.dumps(caught.value))
    assert (error.asked_bytes, error.capacity_bytes) == (40 * MIB, 64 * MIB)
    assert (error.allocated_bytes, error.reserved_bytes) == (30 * MIB, 30 * MIB)


def test_options_are_read_as_pytorch_reads_them():
    assert AllocatorOptions.parse("") == AllocatorOptions()
    read = AllocatorOptions.parse
    assert read(" expandable_segments : True , max_split_size_mb:64,") == AllocatorOptions(
        expandable_segments=True, max_split_bytes=64 * MIB
    )
    assert read("max_split_size_mb:64,max_split_size_mb:20").max_split_bytes == 20 * MIB
    assert read("roundup_power2_divisions:8").roundup_power2_divisions == 8


@pytest.mark.parametrize(
    "text",
    [
        "garbage_collection_threshold:0.8",
        "backend:cudaMallocAsync",
        "expandable_segments",
        "expandable_segments:true",
        "expandable_segments=True",
        "max_split_size_mb:19",
        "max_split_size_mb:-1",
        "max_split_size_mb:64.5",
        "roundup_power2_divisions:3",
        "roundup_power2_divisions:0",
        "roundup_power2_divisions:[256:1,512:2,>:8]",
    ],
)
def test_other_options_are_refused_by_name(text):
    with user_error(text.partition(",")[0], "max_split_size_mb:N"):
        AllocatorOptions.parse(f"expandable_segments:True,{text}")


options = st.builds(
    AllocatorOptions,
    expandable_segments=st.booleans(),
    max_split_bytes=st.none() | st.integers(20, 60).map(lambda n: n * MIB),
    roundup_power2_divisions=st.sampled_from([1, 2, 8]),
)
fixed_segments = options.map(lambda given: replace(given, expandable_segments=False))
sizes = st.integers(1, 70 * MIB) | st.integers(1, 2 * MIB) | st.integers(1, 4096)
steps = st.lists(st.tuples(sizes, st.integers(0, 10**6), st.booleans()), max_size=60)
capacities = st.none() | st.integers(1, 400 * MIB)


def run(allocator, steps):
    """After each step the blocks that are held, and the refusal if it was one; then all go."""
    held = []
    for nbytes, which, release in steps:
        refusal = None
        if release and held:
            allocator.release(held.pop(which % len(held)))
        else:
            try:
                held.append(allocator.allocate(nbytes))
                assert held[-1].nbytes >= nbytes
            except DoesNotFitError as error:
                refusal = error
        yield held, refusal
    for block in held:
        allocator.release(block)


def blocks_of(allocator):
    """All blocks with memory, used and free, in order of address."""
    found = []
    for pool in (allocator._small, allocator._large):
        for block in pool.segments.values():
            while block:
                found += [block] if block.mapped else []
                block = block.after
    return sorted(found, key=lambda block: block.address)


@settings(deadline=None)
@given(options, capacities, steps)
def test_blocks_never_overlap_bytes_are_conserved_and_the_capacity_holds(options, capacity, steps):
    allocator = CachingAllocator(options, capacity)
    for held, _ in run(allocator, steps):
        blocks = blocks_of(allocator)
        for one, other in pairwise(blocks):
            assert one.address + one.nbytes <= other.address
        assert sum(b.nbytes for b in blocks) == allocator.reserved
        assert sum(b.nbytes for b in blocks if not b.free) == allocator.allocated
        assert sum(b.nbytes for b in held) == allocator.allocated
        assert capacity is None or allocator.reserved <= capacity


@settings(deadline=None)
@given(options, capacities, steps)
def test_neighbours_are_never_both_free(options, capacity, steps):
    allocator = CachingAllocator(options, capacity)
    for _ in run(allocator, steps):
        for block in blocks_of(allocator):
            after = block.after
            assert not (block.free and after and after.free and after.mapped)
    assert allocator.allocated == 0
    for block in blocks_of(allocator):  # each is all that lies between two gaps
        assert block.free
        assert all(b is None or not b.mapped for b in (block.before, block.after))


@settings(deadline=None)
@given(options, capacities, steps)
def test_a_refusal_leaves_nothing_cached_that_could_be_given_back(options, capacity, steps):
    allocator = CachingAllocator(options, capacity)
    for held, error in run(allocator, steps):
        if error:
            assert error.allocated_bytes == allocator.allocated == sum(b.nbytes for b in held)
            assert error.reserved_bytes == allocator.reserved
            page = SMALL_SEGMENT if error.asked_bytes <= MIB else LARGE_SEGMENT
            assert error.reserved_bytes + round_up(error.asked_bytes, page) > capacity


@settings(deadline=None)
@given(fixed_segments, steps, st.integers(1, 400 * MIB))
def test_a_limit_changes_nothing_before_it_is_reached(options, steps, capacity):
    free, limited = CachingAllocator(options), CachingAllocator(options, capacity)
    for (held, _), (held_too, _) in zip(run(free, steps), run(limited, steps), strict=True):
        if free.reserved > capacity:
            break
        assert [b.nbytes for b in held] == [b.nbytes for b in held_too]
        assert free.reserved == limited.reserved


@settings(deadline=None)
@given(st.lists(sizes, max_size=40))
def test_expandable_segments_reserve_what_is_asked_for_in_whole_pages(sizes):
    allocator = CachingAllocator(EXPANDABLE)
    held = [allocator.allocate(nbytes).nbytes for nbytes in sizes]
    assert held == [round_up(nbytes, 512) for nbytes in sizes]
    small = sum(nbytes for nbytes in held if nbytes <= MIB)
    large = sum(nbytes for nbytes in held if nbytes > MIB)
    assert allocator.reserved == round_up(small, SMALL_SEGMENT) + round_up(large, LARGE_SEGMENT)


@settings(deadline=None)
@given(st.integers(1, 10**10), st.sampled_from([2, 4, 8, 16]))
def test_rounding_to_divisions_adds_less_than_one_of_them(nbytes, divisions):
    options = AllocatorOptions(expandable_segments=True, roundup_power2_divisions=divisions)
    rounded = CachingAllocator(options).allocate(nbytes).nbytes
    assert rounded % 512 == 0
    assert nbytes <= rounded < nbytes + max(512, nbytes / divisions)
    assert rounded <= max(512, 2 ** (nbytes - 1).bit_length())

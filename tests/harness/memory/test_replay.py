"""The model of the caching allocator, by its documented rules and by properties."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.memory.replay import MIB, CachingAllocator, replay
from harness.memory.trace import Trace


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


requests = st.lists(
    st.tuples(
        st.integers(1, 40 * MIB) | st.integers(1, 2 * MIB) | st.integers(1, 4096),
        st.integers(0, 10**6),
        st.booleans(),
    ),
    max_size=60,
)


@settings(deadline=None)
@given(requests)
def test_blocks_never_overlap_and_bytes_are_conserved(steps):
    allocator, held = CachingAllocator(), []
    for nbytes, which, release in steps:
        if release and held:
            allocator.release(held.pop(which % len(held)))
        else:
            block = allocator.allocate(nbytes)
            assert block.nbytes >= nbytes
            held.append(block)
        blocks = allocator.blocks()
        for one, other in pairwise(blocks):
            assert one.address + one.nbytes <= other.address
        assert sum(b.nbytes for b in blocks) == allocator.reserved
        assert sum(b.nbytes for b in blocks if not b.free) == allocator.allocated
        assert allocator.allocated == sum(b.nbytes for b in held)


@settings(deadline=None)
@given(requests)
def test_releasing_everything_restores_whole_segments(steps):
    allocator = CachingAllocator()
    held = [allocator.allocate(nbytes) for nbytes, _, _ in steps]
    segments = sorted({(b.address) for b in allocator.blocks() if b.before is None})
    for _, which, _ in steps:
        allocator.release(held.pop(which % len(held)))
    assert allocator.allocated == 0
    assert [b.address for b in allocator.blocks()] == segments
    assert all(b.before is None and b.after is None for b in allocator.blocks())


def test_replay_frees_before_it_allocates_what_came_later():
    trace = Trace()
    first = trace.add(32 * MIB, "forward", "", "temporaries")
    trace.free(first)
    trace.add(32 * MIB, "forward", "", "temporaries")
    assert replay(trace).reserved_bytes == 32 * MIB


def test_a_long_replay_ends_quickly_with_nothing_lost():
    trace, held = Trace(), []
    for number in range(20_000):
        held.append(trace.add(512 * (1 + number * 7919 % 5000), "forward", "", "temporaries"))
        if len(held) > 50:
            trace.free(held.pop(number % 50))
    assert len(replay(trace).block_bytes) == 20_000

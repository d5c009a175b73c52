"""The replay of a trace: order, peaks, and whether it fits."""

import pytest
from hypothesis import given, settings, strategies as st

from samfit.harness.memory.allocator import AllocatorOptions, DoesNotFitError
from samfit.harness.memory.pools import MIB
from samfit.harness.memory.replay import replay
from samfit.harness.trace.trace import Trace


def trace_of(*sizes_mib):
    """A trace that allocates positive sizes and frees, for negative ones, the first that fits."""
    trace, held = Trace(), []
    for size in sizes_mib:
        if size > 0:
            held.append(trace.add(size * MIB, "forward", "", "temporaries"))
        else:
            trace.free(held.pop([a.nbytes for a in held].index(-size * MIB)))
    return trace


def test_memory_that_is_free_serves_what_comes_later():
    assert replay(trace_of(32, -32, 32)).peak_reserved_bytes == 32 * MIB
    assert replay(trace_of(32, 32, -32)).peak_reserved_bytes == 64 * MIB


def test_peaks_and_the_fragmentation_between_them():
    result = replay(trace_of(40, 20, -40, 60, 10, 20))
    assert result.block_bytes == [40 * MIB, 20 * MIB, 60 * MIB, 10 * MIB, 20 * MIB]
    assert result.peak_allocated_bytes == (20 + 60 + 10 + 20) * MIB
    assert result.peak_reserved_bytes == (40 + 20 + 60) * MIB
    assert result.fragmentation_bytes == 40 * MIB  # it is used again, but after that moment


def test_options_are_followed():
    trace = trace_of(20, -20, 40, -40, 60)
    assert replay(trace).peak_reserved_bytes == 120 * MIB
    options = AllocatorOptions(expandable_segments=True)
    assert replay(trace, options).peak_reserved_bytes == 60 * MIB


def test_a_trace_that_fits_only_if_memory_is_given_back_fits():
    trace = trace_of(20, -20, 40, -40, 60)
    assert replay(trace, capacity_bytes=60 * MIB).peak_reserved_bytes == 60 * MIB
    with pytest.raises(DoesNotFitError):
        replay(trace, capacity_bytes=60 * MIB - 1)


def test_with_a_limit_the_peak_is_the_most_that_was_reserved_not_the_end():
    trace = trace_of(40, 40, -40, -40, 60)
    assert replay(trace, capacity_bytes=100 * MIB).peak_reserved_bytes == 80 * MIB


def test_what_has_no_bytes_is_no_request():
    trace = trace_of(32)
    trace.free(trace.add(0, "step", "", "optimizer_state"))
    assert replay(trace).block_bytes == [32 * MIB, 0]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 60 * MIB), st.booleans()), min_size=1, max_size=60))
def test_a_trace_fits_into_what_it_reserved_and_not_into_less_than_it_used(steps):
    trace, held = Trace(), []
    for nbytes, release in steps:
        held.append(trace.add(nbytes, "forward", "", "temporaries"))
        if release:
            trace.free(held.pop(nbytes % len(held)))
    result = replay(trace)
    assert result.peak_reserved_bytes - result.fragmentation_bytes <= result.peak_allocated_bytes
    assert replay(trace, capacity_bytes=result.peak_reserved_bytes) == result
    with pytest.raises(DoesNotFitError):
        replay(trace, capacity_bytes=result.peak_allocated_bytes - 1)


def test_what_a_step_can_do_without_never_fails_a_card():
    trace = trace_of(40, 20, -20, -40)
    soft = trace.allocations[1]
    soft.soft = True
    assert replay(trace, capacity_bytes=60 * MIB).block_bytes == [40 * MIB, 20 * MIB]
    short = replay(trace, capacity_bytes=50 * MIB)
    assert short.block_bytes == [40 * MIB, 0]
    assert short.peak_allocated_bytes == 40 * MIB
    soft.soft = False
    with pytest.raises(DoesNotFitError):
        replay(trace, capacity_bytes=50 * MIB)

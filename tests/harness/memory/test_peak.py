"""The peak of a trace: sums, phases and the timeline."""

from samfit.harness.memory.peak import TIMELINE_POINTS, traced_memory
from samfit.harness.memory.replay import replay
from samfit.harness.trace.trace import FROZEN, ROUNDING, TEMPORARIES, Trace

MIB = 2**20


def two_steps():
    """A weight of 25 MiB; the first step is larger than the second, whose peak is in backward."""
    trace = Trace()
    trace.add(25 * MIB, "setup", "", FROZEN)
    for size in (9, 3):
        trace.enter("forward")
        first = trace.add(size * MIB, "forward", "encoder", TEMPORARIES)
        trace.enter("backward")
        second = trace.add(2 * size * MIB, "backward", "decoder", TEMPORARIES)
        trace.free(first)
        trace.free(second)
    return trace


def on_cuda():
    return traced_memory(two_steps(), replay(two_steps()))


def test_peak_is_that_of_the_last_step():
    memory = traced_memory(two_steps())
    assert memory.peak_allocated_bytes == (25 + 3 + 6) * MIB
    assert (memory.peak_phase, memory.peak_module) == ("backward", "decoder")


def test_breakdown_sums_to_the_peak():
    for memory in (traced_memory(two_steps()), on_cuda()):
        assert sum(memory.breakdown_bytes.values()) == memory.peak_allocated_bytes


def test_blocks_that_are_not_split_show_as_rounding():
    memory = on_cuda()
    assert memory.breakdown_bytes[FROZEN] == 25 * MIB
    assert memory.breakdown_bytes[ROUNDING] >= MIB
    assert memory.peak_reserved_bytes >= memory.peak_allocated_bytes


def test_timeline_begins_with_the_last_step_and_holds_the_peak():
    memory = traced_memory(two_steps())
    assert memory.timeline.phase_starts == {"forward": 0, "backward": 1}
    assert max(memory.timeline.live_bytes) == memory.peak_allocated_bytes


def test_long_timelines_are_thinned_without_losing_the_peak():
    trace = Trace()
    trace.enter("forward")
    for number in range(5000):
        trace.free(trace.add(512 * (number + 1), "forward", "", TEMPORARIES))
    timeline = traced_memory(trace).timeline
    assert len(timeline.live_bytes) <= TIMELINE_POINTS
    assert max(timeline.live_bytes) == 512 * 5000

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic_records import measured, out_of_memory, predicted

from harness.compare.changes import CERTAINTY, DRIFT, beyond_noise, compare, failures, time_growth
from harness.record import Spread, Timing

ADAPTERS = ("cad", "lora", "full")


def spread(samples):
    p10, median, p90 = np.percentile(samples, [10, 50, 90]).tolist()
    return Spread(median=median, p10=p10, p90=p90, n=len(samples))


def timed(record, samples):
    return replace(record, timing=Timing(step_ms=spread(samples), samples_ms=list(samples)))


def run(seed, slow="", factor=1.0):
    """A run of steps that scatter by 4%."""
    rng = np.random.default_rng(seed)
    return [
        timed(measured(name), rng.normal(100, 4, 30) * (factor if name == slow else 1))
        for name in ADAPTERS
    ]


def grown(record, share):
    memory = record.memory
    bigger = round(memory.peak_allocated_bytes * (1 + share))
    return replace(record, memory=replace(memory, peak_allocated_bytes=bigger))


@pytest.mark.parametrize("seed", range(5))
def test_two_runs_of_the_same_code_are_alike(seed):
    assert not compare(run(2 * seed), run(2 * seed + 1)).changed


@pytest.mark.parametrize(("factor", "growth"), [(1.2, 0.2), (1 / 1.2, -1 / 6)])
def test_a_slowdown_and_a_speedup_of_a_fifth_are_found(factor, growth):
    found = compare(run(0), run(1, "lora", factor))
    (pair,) = found.changed
    assert pair.new.cell.adapter == "lora"
    (change,) = pair.time
    assert change.growth == pytest.approx(growth, abs=0.04)
    assert not pair.memory


def test_any_byte_more_is_a_change_of_memory():
    before = [predicted(name) for name in ADAPTERS]
    after = [*before[:2], grown(before[2], 2**-30)]
    (pair,) = compare(before, after).changed
    (change,) = pair.memory
    assert (change.figure, change.new - change.old) == ("peak_allocated_bytes", 10)


def test_cells_that_are_gone_new_or_ended_otherwise_are_named():
    ran, failed = measured("lora", 16), out_of_memory("lora", 16)
    found = compare([measured("cad"), ran], [failed, measured("full")])
    assert [record.cell.adapter for record in found.gone] == ["cad"]
    assert [record.cell.adapter for record in found.added] == ["full"]
    (pair,) = found.changed
    assert pair.to_json()["status"] == ["ok", "oom"]


def test_limits_fail_what_exceeds_them_and_nothing_else():
    before = [predicted("cad"), *run(0)]
    after = [grown(predicted("cad"), 0.02), *run(1, "lora", 1.3)]
    found = compare(before, after)
    assert failures(found, None, None) == []
    assert failures(found, 0.03, 0.5) == []
    (memory,) = failures(found, 0.01, None)
    assert "peak_allocated_bytes grew by 2.0%" in memory
    (time,) = failures(found, None, 0.1)
    assert "step_median_ms" in time and "lora" in time
    assert failures(compare(after, before), 0, 0) == [], "what shrank"


def test_with_a_limit_a_cell_that_no_longer_runs_fails():
    found = compare([measured("lora", 16), predicted("cad")], [out_of_memory("lora", 16)])
    gone, stopped = failures(found, 1, None)
    assert gone.endswith("is gone") and stopped.endswith("ended as oom")


def test_few_unsteady_steps_leave_a_slowdown_undecided():
    unsteady = Spread(median=100, p10=80, p90=125, n=3)
    slower = Spread(median=130, p10=104, p90=162, n=3)
    assert not beyond_noise(unsteady, slower)
    assert beyond_noise(replace(unsteady, n=300), replace(slower, n=300))


SPREADS = st.builds(
    lambda median, below, above, n: Spread(
        median=median, p10=median * (1 - below), p90=median * (1 + above), n=n
    ),
    st.floats(0.1, 1e4),
    st.floats(0, 0.5),
    st.floats(0, 2),
    st.integers(3, 30),
)


@given(SPREADS, SPREADS)
def test_a_change_is_found_from_both_sides_or_nearly(one, other):
    """But for the drift that is allowed, which is a share of the older."""
    growth, error = time_growth(one, other)
    back, back_error = time_growth(other, one)
    assert (1 + growth) * (1 + back) == pytest.approx(1)
    assert error / (1 + growth) == pytest.approx(back_error / (1 + back))
    assert not beyond_noise(one, one)
    if beyond_noise(one, other):
        assert abs(growth) > DRIFT


def test_the_error_is_that_of_medians_of_normal_times():
    rng = np.random.default_rng(0)
    medians = np.median(rng.normal(100, 5, (4000, 2, 25)), axis=2)
    scatter = np.std(medians[:, 1] / medians[:, 0])
    normal = Spread(median=100, p10=100 - 1.2816 * 5, p90=100 + 1.2816 * 5, n=25)
    assert time_growth(normal, normal)[1] == pytest.approx(CERTAINTY * scatter, rel=0.05)

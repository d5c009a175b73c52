import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, strategies as st
from synthetic_records import measured, out_of_memory, predicted

from samfit import compare
from samfit.harness.record.changes import CERTAINTY, FEWEST, Drift, ratio_error
from samfit.harness.record.record import Spread, Timing

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


def test_limits_fail_what_exceeds_them_and_nothing_else():
    before = [predicted("cad"), *run(0)]
    after = [grown(predicted("cad"), 0.02), *run(1, "lora", 1.3)]
    found = compare(before, after)
    assert found.failures(None, None) == []
    assert found.failures(0.03, 0.5) == []
    (memory,) = found.failures(0.01, None)
    assert "peak_allocated_bytes grew by 2.0%" in memory
    (time,) = found.failures(None, 0.1)
    assert "step_median_ms" in time and "lora" in time
    assert compare(after, before).failures(0, 0) == [], "what shrank"


def test_cells_that_are_missing_new_or_of_another_status_are_named_and_fail_with_a_limit():
    before = [measured("lora", 16), predicted("cad")]
    found = compare(before, [out_of_memory("lora", 16), measured("full")])
    assert [record.cell.adapter for record in (*found.gone, *found.added)] == ["cad", "full"]
    (pair,) = found.changed
    assert pair.to_json()["status"] == ["ok", "oom"]
    gone, stopped = found.failures(1, None)
    assert gone.endswith("is missing") and stopped.endswith("succeeded before and now ends as oom")


def phases(seed, common=1.0, slow=(), cells=40):
    """A run on a machine that is now faster, now slower: each Cell's steps hardly differ."""
    rng = np.random.default_rng(seed)
    names = [f"method {number}" for number in range(cells)]
    speed = rng.lognormal(np.log(100 * common), 0.1, cells)
    return [
        timed(measured(name), rng.normal(each, 2, 30) * (9 if name in slow else 1))
        for name, each in zip(names, speed, strict=True)
    ]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("kind", [run, phases])
def test_the_same_code_and_a_machine_that_is_slower_for_minutes_change_no_cell(kind, seed):
    found = compare(kind(2 * seed), kind(2 * seed + 1))
    assert not found.changed and not found.drift.changed


def test_a_change_among_cells_that_scatter_is_found():
    (pair,) = compare(phases(0), phases(1, slow=["method 7"])).changed
    assert pair.new.cell.adapter == "method 7"


def test_a_quarter_of_all_cells_may_change():
    slow = [f"method {number}" for number in range(0, 40, 4)]
    found = compare(phases(0), phases(1, slow=slow)).changed
    assert [pair.new.cell.adapter for pair in found] == slow


def test_what_most_cells_did_is_told_apart_from_what_one_did():
    found = compare(phases(0), phases(1, common=1.5, slow=["method 7"]))
    assert found.drift.changed
    assert found.drift.factor == pytest.approx(1.5, rel=0.1)
    (change,) = found.changed[0].time
    assert change.growth == pytest.approx(change.new / change.old / found.drift.factor - 1)
    common, _ = found.failures(None, 0.2)
    assert common.startswith("most Cells: step_median_ms grew by")
    assert len(found.failures(None, 0.6)) == 1
    assert found.to_json()["drift"]["changed"]


def test_an_unsteady_machine_may_be_slower_as_a_whole():
    assert not Drift(factor=1.2, unsteadiness=0.3).changed
    assert Drift(factor=1.2, unsteadiness=0.1).changed


def test_few_cells_do_not_tell_how_a_machine_drifts():
    few = [phases(seed, cells=FEWEST - 1) for seed in range(2)]
    assert compare(*few).drift == Drift()
    assert compare(*(phases(seed, cells=FEWEST) for seed in range(2))).drift != Drift()


def test_few_unsteady_steps_leave_a_slowdown_undecided():
    unsteady = Spread(median=100, p10=80, p90=125, n=3)
    slower = Spread(median=130, p10=104, p90=162, n=3)
    assert not found_change(unsteady, slower)
    assert found_change(replace(unsteady, n=300), replace(slower, n=300))


def found_change(before, after):
    runs = ([replace(measured(), timing=Timing(step_ms=one))] for one in (before, after))
    return compare(*runs).changed


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
def test_only_a_difference_beyond_the_error_is_a_change(one, other):
    assert not found_change(one, one)
    ratio = other.median / one.median
    beyond = abs(math.log(ratio)) > max(ratio_error(one, other), math.log(1.1))
    assert bool(found_change(one, other)) == bool(found_change(other, one)) == beyond


def test_the_error_is_that_of_medians_of_normal_times():
    rng = np.random.default_rng(0)
    medians = np.median(rng.normal(100, 5, (4000, 2, 25)), axis=2)
    scatter = np.std(medians[:, 1] / medians[:, 0])
    normal = Spread(median=100, p10=100 - 1.2816 * 5, p90=100 + 1.2816 * 5, n=25)
    assert ratio_error(normal, normal) == pytest.approx(CERTAINTY * scatter, rel=0.05)

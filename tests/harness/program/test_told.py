"""From recordings to figures."""

import pytest
from hypothesis import given, strategies as st

from samfit.harness.program.inside.recording import History, Recording, Section
from samfit.harness.program.told import on_card

WORDS = ["temporaries", "weights_trainable", "", "blocks.0", "forward", "train.py:7"]
TEMPORARY, WEIGHT, NOWHERE, BLOCK, FORWARD, LINE = range(len(WORDS))
CONTEXT = 500


def history(*sections: Section, allocations=()) -> History:
    events = 1 + max((max(row[:2]) for row in allocations), default=0)
    return History(0, list(allocations), WORDS, [(0, FORWARD)], list(sections), events)


def section(kind="training", step=1, first=0, allocated=4096, reserved=2**21, graph=True):
    return Section(kind, step, first, allocated, reserved, graph)


def told(found: History):
    return on_card(Recording(pid=1, arguments=[], steps=3), found, CONTEXT)


ROWS = [
    (0, -1, 1000, WEIGHT, BLOCK, FORWARD, LINE),
    (1, 3, 3000, TEMPORARY, BLOCK, FORWARD, LINE),
    (2, -1, 512, TEMPORARY, NOWHERE, FORWARD, NOWHERE),
]


def test_the_breakdown_is_of_the_peak_and_sums_to_it():
    found = told(history(section(allocated=1024 + 3072 + 512), allocations=ROWS))
    parts = {name: n for name, n in found.breakdown_bytes.items() if n}
    assert parts == {"weights_trainable": 1024, "temporaries": 3584}
    assert (found.peak_phase, found.peak_module) == ("forward", "")
    assert found.process_bytes == 2**21 + CONTEXT
    largest = found.holdings[0]
    assert (largest.category, largest.module, largest.line) == (
        "temporaries",
        "blocks.0",
        "train.py:7",
    )


@given(st.integers(0, 2**40))
def test_what_pytorch_counts_beyond_what_was_asked_for_is_rounding(allocated):
    found = told(history(section(allocated=allocated), allocations=ROWS))
    assert sum(found.breakdown_bytes.values()) == allocated


def test_training_and_evaluation_are_apart_and_a_step_may_have_several_parts():
    found = told(
        history(
            section("setup", 0, 0, 100),
            section("training", 1, 1, 300),
            section("training", 1, 1, 400),
            section("training", 2, 2, 350),
            section("evaluation", 2, 3, 900, 2**22),
            section("training", 4, 3, 800),
            allocations=ROWS,
        )
    )
    assert [peak.allocated_bytes for peak in found.each_step] == [400, 350]
    assert found.training and found.training.allocated_bytes == 800, "though it took no step"
    assert found.evaluation and found.evaluation.reserved_bytes == 2**22
    assert found.peak.allocated_bytes == 900
    assert found.peak_phase == "evaluation"
    assert found.evaluation_with_graph


@pytest.mark.parametrize("mib", [8.125, 32])
def test_what_is_kept_for_cublas_is_known_by_its_size(mib):
    rows = [(0, -1, int(mib * 2**20), TEMPORARY, BLOCK, FORWARD, LINE)]
    found = told(history(section(), allocations=rows))
    assert found.breakdown_bytes["library_workspace"] == int(mib * 2**20)

"""Whether differences between methods are more than noise."""

import pytest
from hypothesis import given, settings, strategies as st
from synthetic_records import scored

from samfit.harness.report.accuracy.captions import describe_chance, told_apart
from samfit.harness.report.accuracy.scored import scored_methods

APART = [[0.1 * method + 0.001 * seed for seed in range(3)] for method in range(8)]
MIXED = [[0.5 + 0.01 * ((3 * method + 5 * seed) % 7) for seed in range(3)] for method in range(8)]
tables = st.lists(st.lists(st.integers(0, 1000), min_size=3, max_size=3), min_size=5, max_size=9)


def sweep(scores, tasks=("camouflage", "polyp")):
    return scored_methods([
        scored(f"m{method}", task, seed, score)
        for task in tasks
        for method, each in enumerate(scores)
        for seed, score in enumerate(each)
    ])  # fmt: skip


def test_methods_that_lie_apart_can_be_told_apart():
    assert told_apart(APART) is True
    assert told_apart(MIXED) is False
    assert told_apart([[0.5] * 3] * 8) is False


@settings(deadline=None, max_examples=50)
@given(tables)
def test_only_the_order_of_scores_counts_and_that_of_methods_does_not(scores):
    cubed = [[score**3 + 7 for score in each] for each in scores]
    assert told_apart(scores) == told_apart(cubed) == told_apart(scores[::-1])


@pytest.mark.parametrize("methods", [APART[:1], APART[:3], [each[:1] for each in APART]])
def test_too_few_scores_tell_nothing_however_far_they_lie_apart(methods):
    assert told_apart(methods) is None


def test_in_words():
    assert "On 2 of 2 tasks methods differ by more than chance" in describe_chance(sweep(APART))
    assert "On 0 of 1 task methods" in describe_chance(sweep(MIXED, ["road"]))
    assert "p < 0.01" in describe_chance(sweep(APART))
    assert "with one seed" in describe_chance(sweep([each[:1] for each in APART]))
    assert "so few seeds and methods" in describe_chance(sweep(APART[:3]))

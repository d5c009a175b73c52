"""Accuracy against its costs, and what holds for all plots of scores."""

from dataclasses import replace

import pytest
from hypothesis import given, settings, strategies as st
from readable import assert_no_overlap, assert_nothing_is_clipped, made
from synthetic_records import all_text, direct_labels, predicted, trained_methods

from samfit.adapters.core.registry import adapter_names
from samfit.harness.report.accuracy.gallery import gallery
from samfit.harness.report.accuracy.plot import (
    Point,
    accuracy_vs_memory,
    accuracy_vs_time,
    pareto_front,
)
from samfit.harness.report.kit.select import Series

COSTS = (accuracy_vs_memory, accuracy_vs_time)
PLOTS = (*COSTS, gallery)


@pytest.mark.parametrize("plot", PLOTS)
def test_all_adapters_are_readable_and_captions_say_the_source(plot):
    for seeds in (1, 3):
        figure = made(plot, trained_methods(adapter_names(), seeds=seeds, masks=[9]))
        assert_no_overlap(figure)
        assert_nothing_is_clipped(figure)
        assert len(direct_labels(figure)) >= 11
    for part in ("measured on Imaginary CPU", "vit_tiny", "samfit 9.8", "photographs", "2020-02"):
        assert part in all_text(figure)
    assert made(plot, [predicted(backbone="vit_tiny")]) is None


@pytest.mark.parametrize("plot", COSTS)
def test_methods_have_names_bubbles_and_bars_and_baselines_lines(plot):
    figure = made(plot, trained_methods(("cad", "lora", "somebody's")))
    axes = figure.axes[0]
    bubbles = [line for line in axes.lines if line.get_marker() in ("o", "s")]
    assert len(bubbles) == 3
    cost = 0.12 * 1024 if plot is accuracy_vs_memory else 22  # MiB, seconds
    assert max(line.get_xdata()[0] for line in bubbles) == pytest.approx(cost, rel=1e-3)
    assert max(b.get_markersize() for b in bubbles) > min(b.get_markersize() for b in bubbles)
    heights = [line.get_ydata()[0] for line in axes.lines if line.get_marker() == "None"]
    assert sorted(heights) == pytest.approx([0.1, 0.2])
    assert len(axes.containers) == 3
    once = made(plot, trained_methods(("cad", "lora"), seeds=1))
    assert not once.axes[0].containers and "bars" not in all_text(once)
    names = {label.get_text() for label in direct_labels(figure)}
    assert names == {
        "Cad", "Lora", "Somebody'S", "without adaptation", "decoder only, random encoder",
    }  # fmt: skip


def test_what_lacks_a_figure_is_named_and_so_is_the_front():
    records = trained_methods(("cad", "lora", "vpt"))
    named = "Not shown, as one of the two figures is missing: "
    lacking = [r for r in records if (r.cell.adapter, r.cell.task) != ("vpt", "transparent")]
    assert f"{named}Vpt." in all_text(made(accuracy_vs_time, lacking))
    lacking = [r for r in records if r.source != "predicted" or r.cell.adapter != "lora"]
    assert f"{named}Lora." in all_text(made(accuracy_vs_memory, lacking))
    assert made(accuracy_vs_memory, [r for r in records if r.source != "predicted"]) is None
    worse = [replace(r, memory=replace(r.memory, peak_allocated_bytes=2**40)) if r.memory and
             r.cell.adapter == "lora" else r for r in records]  # fmt: skip
    assert "less: Cad, Vpt." in all_text(made(accuracy_vs_memory, worse))


numbers = st.integers(1, 9)


@settings(deadline=None)
@given(st.lists(st.tuples(numbers, numbers), min_size=1))
def test_nothing_is_better_and_cheaper_than_the_front(pairs):
    series = Series(adapter="cad", label="CAD", serial=None, records=())
    points = [Point(series, cost, [score], "CAD") for cost, score in pairs]
    front = pareto_front(points)
    for point in points:
        assert any(one.cost <= point.cost and one.score >= point.score for one in front)
        for one in front:
            assert not (point.cost <= one.cost and point.score > one.score)
            assert not (point.cost < one.cost and point.score >= one.score)

"""Accuracy against its costs, and the gallery."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from readable import assert_no_overlap, assert_nothing_is_clipped
from synthetic_records import all_text, direct_labels, predicted, scored

from samfit.adapters.core.registry import adapter_names
from samfit.harness.record.weights import RANDOM_ENCODER
from samfit.harness.report.accuracy.accuracy_points import Point, pareto_front
from samfit.harness.report.accuracy.accuracy_vs_memory import accuracy_vs_memory
from samfit.harness.report.accuracy.accuracy_vs_time import accuracy_vs_time
from samfit.harness.report.accuracy.gallery import gallery
from samfit.harness.report.accuracy.overlay import overlay, regions
from samfit.harness.report.kit.select import Series
from samfit.harness.report.write import ACCURACY_PLOTS

COSTS = (accuracy_vs_memory, accuracy_vs_time)


def sweep(adapters, tasks=("camouflage", "transparent"), seeds=2, **given):
    """Predictions and scores: each adapter is better than the one before and costs more."""
    found = [
        predicted(
            adapter, 4, 0.1 + 0.01 * place, backbone="vit_tiny", trainable=100_000 * (place % 5)
        )
        for place, adapter in enumerate(adapters)
    ]
    for task in tasks:
        found.append(scored("decoder", task, score=0.1, epochs=0, **given))
        found.append(scored("decoder", task, score=0.2, checkpoint=RANDOM_ENCODER, **given))
        found += [
            scored(
                adapter, task, seed, 0.5 + 0.01 * place + 0.002 * seed, train_s=20 + place,
                trainable=100_000 * (place % 5), **given,
            )
            for place, adapter in enumerate(adapters)
            for seed in range(seeds)
        ]  # fmt: skip
    return found


@pytest.mark.parametrize("plot", ACCURACY_PLOTS)
@pytest.mark.parametrize("seeds", [1, 3])
def test_all_adapters_are_readable(plot, seeds):
    figure = plot(sweep(adapter_names(), seeds=seeds, masks=[9]))
    assert_no_overlap(figure)
    assert_nothing_is_clipped(figure)
    assert len(direct_labels(figure)) >= 11


@pytest.mark.parametrize("plot", ACCURACY_PLOTS)
def test_without_scores_there_is_no_plot(plot):
    assert plot([]) is None
    assert plot([predicted(backbone="vit_tiny")]) is None


@pytest.mark.parametrize("plot", ACCURACY_PLOTS)
def test_captions_say_the_source_and_what_it_does_not_say(plot):
    text = all_text(plot(sweep(("cad", "lora"), masks=[9])))
    for part in (
        "measured on Imaginary CPU",
        "vit_tiny",
        "samfit 9.8",
        "photographs",
        "2020-02-02",
    ):
        assert part in text


@pytest.mark.parametrize("plot", COSTS)
def test_methods_have_names_bubbles_and_bars_and_yardsticks_lines(plot):
    figure = plot(sweep(("cad", "lora", "somebody's")))
    axes = figure.axes[0]
    bubbles = [line for line in axes.lines if line.get_marker() in ("o", "s")]
    assert len(bubbles) == 3
    assert max(b.get_markersize() for b in bubbles) > min(b.get_markersize() for b in bubbles)
    heights = sorted(
        float(line.get_ydata()[0]) for line in axes.lines if line.get_marker() == "None"
    )
    assert heights == pytest.approx([0.1, 0.2])
    assert len(axes.containers) == 3
    names = {label.get_text() for label in direct_labels(figure)}
    assert names == {
        "Cad", "Lora", "Somebody'S", "without adaptation", "decoder only, random encoder",
    }  # fmt: skip


def test_one_seed_has_no_bars():
    figure = accuracy_vs_time(sweep(("cad", "lora"), seeds=1))
    assert not figure.axes[0].containers
    assert "bars" not in all_text(figure)


def test_memory_is_in_mib_and_time_in_seconds():
    for plot, cost in ((accuracy_vs_memory, 0.11 * 1024), (accuracy_vs_time, 21)):
        axes = plot(sweep(("cad", "lora"))).axes[0]
        costs = [float(line.get_xdata()[0]) for line in axes.lines if line.get_marker() == "o"]
        costs += [float(line.get_xdata()[0]) for line in axes.lines if line.get_marker() == "s"]
        assert max(costs) == pytest.approx(cost, rel=1e-3)


def test_what_lacks_a_figure_is_named():
    records = sweep(("cad", "lora", "vpt"))
    lacking = [r for r in records if (r.cell.adapter, r.cell.task) != ("vpt", "transparent")]
    assert "Not shown, without both figures: Vpt." in all_text(accuracy_vs_time(lacking))
    lacking = [r for r in records if r.source != "predicted" or r.cell.adapter != "lora"]
    assert "Not shown, without both figures: Lora." in all_text(accuracy_vs_memory(lacking))
    assert accuracy_vs_memory([r for r in records if r.source != "predicted"]) is None


def test_the_front_is_named():
    records = sweep(("cad", "lora", "vpt"))
    worse = [replace(r, memory=replace(r.memory, peak_allocated_bytes=2**40)) if r.memory and
             r.cell.adapter == "lora" else r for r in records]  # fmt: skip
    assert "less: Cad, Vpt." in all_text(accuracy_vs_memory(worse))


numbers = st.integers(1, 9)


@settings(deadline=None)
@given(st.lists(st.tuples(numbers, numbers), min_size=1))
def test_nothing_is_better_and_cheaper_than_the_front(pairs):
    series = Series(adapter="cad", label="CAD", serial=None, records=())
    points = [Point(series, cost, [score]) for cost, score in pairs]
    front = pareto_front(points)
    for point in points:
        assert any(one.cost <= point.cost and one.score >= point.score for one in front)
        for one in front:
            assert not (point.cost <= one.cost and point.score > one.score)
            assert not (point.cost < one.cost and point.score >= one.score)


def tiles(figure):
    """What stands in the corners, and beside and above the tiles."""
    texts = [label.get_text().replace("\n", " ") for label in direct_labels(figure)]
    texts = [text for text in texts if text]
    corners = [text for text in texts if text[0].isdecimal()]
    return corners, [text for text in texts if text not in corners]


def test_the_gallery_has_a_row_a_task():
    figure = gallery(sweep(("cad", "lora"), masks=[9, 5]))
    corners, names = tiles(figure)
    heads = ["image", "truth", "without adaptation", "Cad", "Lora"]
    assert sorted(names) == sorted([*heads, "Camouflage", "Transparent objects"])
    assert len(corners) == 2 * 3 and len(figure.axes[0].images) == 2 * 5
    assert "right missed wrong thing stuff" in all_text(figure)
    assert "first test image of each task, with masks of seed 0" in all_text(figure)


def test_the_gallery_of_a_single_task_has_a_row_an_image():
    figure = gallery(sweep(("cad", "lora"), ["road"], masks=[9, 5]))
    corners, names = tiles(figure)
    assert len(corners) == 2 * 3 and names.count("Road") == 1
    assert "first 2 test images" in all_text(figure)
    assert all_text(figure).endswith("right missed wrong")


def test_the_gallery_shows_methods_of_others_and_names_what_it_leaves_out():
    figure = gallery(sweep((*adapter_names(), "mine"), ["road"], 1, masks=[9]))
    heads = [name.lower() for name in tiles(figure)[1][2:]]
    assert heads[:4] == ["without adaptation", "mine", "decoder", "cad"]
    assert len(figure.axes[0].images) == 2 + 10
    assert "Left out for want of room: " in all_text(figure)
    assert "Left out" not in all_text(gallery(sweep(("cad", "lora"), masks=[9])))


def test_the_gallery_never_leaves_out_the_best_method():
    *others, best = (name for name in adapter_names() if name != "full")
    _, names = tiles(gallery(sweep((*others, best), ["road"], 1, masks=[9])))
    assert [name.lower() for name in names[2:5]] == ["without adaptation", best, "decoder"]


def test_a_mask_that_is_not_there_is_a_dash():
    *records, last = sweep(("cad", "lora"), ["road"], 1, masks=[9])
    broken = replace(last, accuracy=replace(last.accuracy, masks_png=["nothing"]))
    figure = gallery([*records, broken])
    assert "A dash: no mask" in all_text(figure)
    assert "–" in tiles(figure)[1]
    assert "A dash" not in all_text(gallery([*records, last]))


def test_records_without_masks_have_no_gallery():
    assert gallery(sweep(("cad", "lora"))) is None


masks = st.lists(st.integers(0, 2), min_size=16, max_size=16).map(
    lambda values: np.array(values, np.uint8).reshape(4, 4)
)


@settings(deadline=None)
@given(masks, masks, st.sampled_from([1, 3]))
def test_no_pixel_is_of_two_regions(mask, truth, classes):
    if classes == 1:
        mask, truth = mask.clip(max=1), truth.clip(max=1)
    found = np.stack([pixels for pixels, _ in regions(mask, truth, classes)])
    marked = mask > 0 if classes > 1 else (mask > 0) | (truth > 0)
    np.testing.assert_array_equal(found.sum(axis=0), marked)


def test_a_perfect_mask_is_right_and_an_empty_one_missed():
    truth = np.eye(4, dtype=np.uint8)
    right, missed, wrong = (pixels.sum() for pixels, _ in regions(truth, truth, 1))
    assert (right, missed, wrong) == (4, 0, 0)
    right, missed, wrong = (pixels.sum() for pixels, _ in regions(0 * truth, truth, 1))
    assert (right, missed, wrong) == (0, 4, 0)


def test_regions_are_filled_and_their_edges_opaque():
    image, square = np.full((32, 32, 3), 200, np.uint8), np.zeros((32, 32), bool)
    square[8:24, 8:24] = True
    drawn = overlay(image, [(square, "#FF0000")])
    assert drawn.shape == image.shape and 0 <= drawn.min() <= drawn.max() <= 1
    np.testing.assert_array_equal(drawn[8, 8], [1, 0, 0])
    outside, inside = drawn[0, 0], drawn[16, 16]
    assert outside.max() < 200 / 255
    assert inside[0] > outside[0] and inside[1] < outside[1]

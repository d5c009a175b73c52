"""Baselines: what one pass of counting says is what the metrics say of such masks."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from samfit.harness.data.example import IGNORED
from samfit.harness.metrics import BinaryMetrics, MultiClassMetrics
from samfit.harness.metrics.baselines import BASELINES, baseline_scores, pixel_counts

SIZE = (6, 9)


def grey(values):
    """An image of these greys."""
    return np.repeat(np.asarray(values, np.uint8)[..., None], 3, axis=2)


def scores_of(masks, truths):
    """The IoU of masks, by the metrics."""
    metrics = BinaryMetrics()
    for mask, truth in zip(masks, truths, strict=True):
        metrics.update("", mask.astype(float), truth > 0)
    return metrics.summary()["iou"].value


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6))
def test_binary_baselines_are_scored_as_masks_are(seed):
    chance = np.random.default_rng(seed)
    images = [grey(chance.integers(0, 256, SIZE)) for _ in range(3)]
    truths = [(chance.random(SIZE) < share).astype(np.uint8) for share in (0, 0.2, 0.7)]
    counts = [pixel_counts(*pair, 1) for pair in zip(images, truths, strict=True)]
    found = baseline_scores(counts, counts)
    assert found["all_background"] == pytest.approx(scores_of([t * 0 for t in truths], truths))
    assert found["all_foreground"] == pytest.approx(scores_of([t * 0 + 1 for t in truths], truths))
    greys = [image[..., 0].astype(float) for image in images]
    for at in (40.5, 127.5, 200.5):
        for direction in (-1, 1):
            score = scores_of([direction * (each - at) > 0 for each in greys], truths)
            assert found["grey_threshold"] >= score - 1e-12


def test_the_threshold_is_chosen_on_other_images_than_are_scored():
    truth = np.zeros(SIZE, np.uint8)
    truth[:2] = 1
    dark = [pixel_counts(grey(np.where(truth, 40, 200)), truth, 1)]
    bright = [pixel_counts(grey(np.where(truth, 200, 40)), truth, 1)]
    assert baseline_scores(dark, dark)["grey_threshold"] == pytest.approx(1)
    assert baseline_scores(bright, bright)["grey_threshold"] == pytest.approx(1)
    assert baseline_scores(dark, bright)["grey_threshold"] < 0.01


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6))
def test_the_most_frequent_class_is_scored_as_masks_are(seed):
    chance = np.random.default_rng(seed)
    kinds = [0, 1, 1, 1, 2, IGNORED]
    truths = [chance.choice(kinds, SIZE).astype(np.uint8) for _ in range(3)]
    counts = [pixel_counts(grey(truth), truth, 5) for truth in truths]
    most = np.sum(counts, axis=0).argmax()
    metrics = MultiClassMetrics(5)
    for truth in truths:
        metrics.update("", np.full(SIZE, most), truth)
    expected = {"most_frequent_class": pytest.approx(metrics.summary()["miou"].value)}
    assert baseline_scores(counts, counts) == expected


def test_a_class_that_occurs_nowhere_in_what_is_scored_counts_as_one_that_is_wrong():
    counts = [np.array([0, 9, 0])], [np.array([5, 0, 0])]
    metrics = MultiClassMetrics(3)
    metrics.update("", np.ones((1, 5), int), np.zeros((1, 5), int))
    (found,) = baseline_scores(*counts).values()
    assert found == metrics.summary()["miou"].value == 0


def test_every_baseline_has_words():
    counts = [np.ones((2, 256), int)], [np.array([1, 2])]
    found = {name for each in counts for name in baseline_scores([*each], [*each])}
    assert found | {"filled_box"} == set(BASELINES)


@pytest.mark.parametrize(("share", "only"), [(0, 0), (1, 1), (0.5, None)])
def test_masks_of_one_class_everywhere_are_noticed(share, only):
    metrics = BinaryMetrics()
    assert metrics.only_class is None
    for _ in range(2):
        probability = np.full(SIZE, share, float)
        probability[0] = min(1, 2 * share)
        metrics.update("", probability, np.eye(*SIZE, dtype=bool))
    assert metrics.only_class == only
    classes = MultiClassMetrics(3)
    classes.update("", np.full(SIZE, 2), np.zeros(SIZE, int))
    assert classes.only_class == 2
    classes.update("", np.full(SIZE, 1), np.zeros(SIZE, int))
    assert classes.only_class is None

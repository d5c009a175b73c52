"""What holds for the scores of a data set, of one mask an image or of several classes."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from samfit.harness.metrics import BinaryMetrics, MultiClassMetrics


def scored(images):
    """The metrics of images, given as prediction and truth; real predictions are of one mask."""
    metrics = MultiClassMetrics(4) if images[0][1].dtype == int else BinaryMetrics()
    for index, (predicted, truth) in enumerate(images):
        metrics.update(f"image{index}", predicted, truth)
    return metrics


@st.composite
def data_sets(draw):
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    shapes = rng.integers(2, 7, (draw(st.integers(1, 5)), 2))
    if draw(st.booleans()):
        return [(rng.random(shape), rng.random(shape) < 0.5) for shape in shapes]
    return [(rng.integers(0, 4, shape), rng.integers(0, 4, shape)) for shape in shapes]


@settings(deadline=None)
@given(data_sets(), st.integers(0, 100))
def test_a_value_lies_in_its_interval_a_seed_repeats_it_and_order_does_not_matter(images, seed):
    metrics = scored(images)
    summary, turned = metrics.summary(seed), scored(images[::-1]).summary(seed)
    assert summary == metrics.summary(seed)
    assert metrics.names == [f"image{index}" for index in range(len(images))]
    for key, score in summary.items():
        assert score.low <= score.value <= score.high
        assert score.value == pytest.approx(turned[key].value)
        if key in metrics.per_image and isinstance(metrics, BinaryMetrics):
            assert score.value == pytest.approx(np.mean(metrics.per_image[key]))
        if len(images) == 1:
            assert score.low == score.value == score.high


@pytest.mark.parametrize("metrics", [BinaryMetrics(), MultiClassMetrics(2)])
def test_what_an_update_returns_is_remembered_and_without_one_there_is_no_summary(metrics):
    with pytest.raises(ValueError, match="no image"):
        metrics.summary()
    truth = np.eye(4, dtype=int) if isinstance(metrics, MultiClassMetrics) else np.eye(4) > 0
    predictions = [truth * 1, 1 - truth] if truth.dtype == int else [truth * 1.0, truth * 0.3]
    first, second = (metrics.update(f"image/{i}", p, truth) for i, p in enumerate(predictions))
    assert metrics.per_image == {key: [first[key], second[key]] for key in first}
    assert all(type(value) is float for value in first.values())

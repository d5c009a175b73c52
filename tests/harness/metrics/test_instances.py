"""Scores of objects, each prompted by itself."""

import numpy as np
import pytest

from samfit.harness.metrics import METRICS, InstanceMetrics


def square(top, left, side=4):
    mask = np.zeros((16, 16), bool)
    mask[top : top + side, left : left + side] = True
    return mask


def test_means_are_over_objects_and_over_images():
    metrics = InstanceMetrics()
    right, half, wrong = (
        (square(0, 0), square(0, 0)),
        (square(0, 0), square(0, 2)),
        (square(0, 0), square(8, 8)),
    )
    metrics.update("a", [right, half, wrong])
    metrics.update("b", [right])
    metrics.update("c", [])
    scores = metrics.summary()
    assert scores.keys() <= METRICS.keys()
    ious = [1, 8 / 24, 0, 1]
    assert scores["iou"].value == pytest.approx(np.mean(ious), abs=1e-3)
    assert scores["iou_of_images"].value == pytest.approx(np.mean([np.mean(ious[:3]), 1]), abs=1e-3)
    assert scores["found"].value == 0.5
    assert scores["iou"].low <= scores["iou"].value <= scores["iou"].high
    assert np.isnan(metrics.per_image["iou"][2])
    assert [(each["image"], each["object"]) for each in metrics.objects] == [
        ("a", 0), ("a", 1), ("a", 2), ("b", 0),
    ]  # fmt: skip


def test_masks_of_another_size_are_refused():
    with pytest.raises(ValueError, match="same size"):
        InstanceMetrics().update("a", [(square(0, 0), square(0, 0)[:8])])


@pytest.mark.parametrize(("shared", "found"), [(1, 0), (2, 0), (3, 1)])
def test_an_object_of_which_half_of_the_union_is_shared_is_not_found(shared, found):
    mask, truth = np.zeros((1, 8), bool), np.zeros((1, 8), bool)
    truth[0, :4] = True  # also the union
    mask[0, :shared] = True
    assert InstanceMetrics().update("a", [(mask, truth)])["found"] == found


def test_intervals_are_over_images_since_objects_of_one_are_alike():
    metrics = InstanceMetrics()
    metrics.update("right", [(square(0, 0), square(0, 0))] * 20)
    metrics.update("wrong", [(square(0, 0), square(8, 8))] * 20)
    interval = metrics.summary()["iou"]
    assert (interval.low, interval.high) == pytest.approx((0, 1), abs=1e-3)

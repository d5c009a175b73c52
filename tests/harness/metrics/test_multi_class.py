import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from sklearn.metrics import accuracy_score, jaccard_score
from user_error import user_error

from samfit.harness.metrics import MultiClassMetrics

CLASSES = 4


def scored(pairs, classes=CLASSES):
    metrics = MultiClassMetrics(classes)
    for index, (labels, truth) in enumerate(pairs):
        metrics.update(f"image{index}", labels, truth)
    return metrics


def random_image(seed, ignored=0.2):
    """Predicted and right classes (H, W), of which some pixels are ignored."""
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(2, 7, size=2))
    labels = rng.integers(0, CLASSES, shape)
    truth = np.where(rng.random(shape) < 0.5, labels, rng.integers(0, CLASSES, shape))
    truth[rng.random(shape) < ignored] = 255
    truth[0, 0] = 0
    return labels.astype(np.int64), truth.astype(np.uint8)


sets = st.lists(st.integers(0, 10_000).map(random_image), min_size=1, max_size=5)


def test_intersections_and_unions_are_added_up_before_they_are_divided():
    right, wrong = np.zeros((1, 4), dtype=int), np.array([[0, 0, 1, 1]])
    metrics = scored([(right, right), (right, wrong)], classes=2)
    assert metrics.per_image["iou_class_0"] == [1, 2 / 4]
    assert metrics.per_image["miou"] == [1, (2 / 4 + 0) / 2]
    assert metrics.per_image["pixel_accuracy"] == [1, 2 / 4]
    summary = metrics.summary()
    assert summary["iou_class_0"].value == 6 / 8
    assert summary["iou_class_1"].value == 0
    assert summary["miou"].value == (6 / 8 + 0) / 2
    assert summary["pixel_accuracy"].value == 6 / 8


@settings(deadline=None)
@given(sets)
def test_scores_of_all_pixels_equal_scikit_learns(pairs):
    truth = np.concatenate([truth.ravel() for _, truth in pairs])
    labels = np.concatenate([labels.ravel() for labels, _ in pairs])[truth != 255]
    truth = truth[truth != 255]
    occurring = np.union1d(truth, labels)
    iou = jaccard_score(truth, labels, labels=occurring, average=None)
    expected = {f"iou_class_{index}": value for index, value in zip(occurring, iou, strict=True)}
    expected |= {"miou": iou.mean(), "pixel_accuracy": accuracy_score(truth, labels)}
    found = {key: score.value for key, score in scored(pairs).summary().items()}
    assert found == pytest.approx(expected)


@settings(deadline=None)
@given(st.integers(0, 10_000).map(random_image))
def test_what_is_predicted_where_nobody_labelled_does_not_count(image):
    labels, truth = image
    scores = MultiClassMetrics(CLASSES).update("image", labels, truth)
    elsewhere = np.where(truth == 255, (labels + 1) % CLASSES, labels)
    again = MultiClassMetrics(CLASSES).update("image", elsewhere, truth)
    assert scores == pytest.approx(again, nan_ok=True)


@settings(deadline=None)
@given(st.integers(0, 10_000).map(random_image))
def test_scores_are_within_0_and_1_and_perfect_classes_have_1(image):
    labels, truth = image
    scores = MultiClassMetrics(CLASSES).update("image", labels, truth)
    assert all(math.isnan(score) or 0 <= score <= 1 for score in scores.values())
    perfect = np.where(truth == 255, 0, truth)
    scores = MultiClassMetrics(CLASSES).update("image", perfect, truth)
    assert {score for score in scores.values() if not math.isnan(score)} == {1}


def test_a_class_that_occurs_nowhere_has_no_score():
    labels = np.array([[0, 2]])
    metrics = scored([(labels, labels)])
    assert set(metrics.summary()) == {"miou", "pixel_accuracy", "iou_class_0", "iou_class_2"}
    assert metrics.summary()["miou"].value == 1
    assert math.isnan(metrics.per_image["iou_class_1"][0])
    assert metrics.per_image["miou"] == [1]


@pytest.mark.parametrize("found", [0, 1])
def test_a_rare_class_does_not_move_the_interval_of_the_mean(found):
    """A third of the resamples lack the only image of a class; they still average over it."""
    common, rare = np.zeros((1, 4), dtype=int), np.ones((1, 4), dtype=int)
    score = scored([(common, common)] * 9 + [(rare * found, rare)], classes=2).summary()["miou"]
    if found:
        assert score.low == score.value == score.high == 1
    else:
        assert score.value == (36 / 40 + 0) / 2
        assert score.high == 0.5  # without the class it would be 1


def test_an_image_without_a_labelled_pixel_changes_nothing():
    labels, truth = random_image(seed=0)
    blank = np.full((2, 2), 255, dtype=np.uint8)
    metrics = scored([(labels, truth), (np.zeros((2, 2), dtype=int), blank)])
    assert metrics.summary() == scored([(labels, truth)]).summary()
    assert all(math.isnan(values[1]) for values in metrics.per_image.values())
    with user_error("255", "masks"):
        scored([(np.zeros((2, 2), dtype=int), blank)]).summary()


@pytest.mark.parametrize(
    ("labels", "truth", "said"),
    [
        (np.zeros((2, 3), dtype=int), np.zeros((3, 2), dtype=int), "same size"),
        (np.zeros((0, 3), dtype=int), np.zeros((0, 3), dtype=int), "two pixels or more"),
        (np.zeros((2, 2)), np.zeros((2, 2), dtype=int), "float64"),
        (np.zeros((2, 2), dtype=int), np.zeros((2, 2), dtype=bool), "bool"),
        (np.full((2, 2), CLASSES), np.zeros((2, 2), dtype=int), "below 4"),
        (np.full((2, 2), -1), np.zeros((2, 2), dtype=int), "below 4"),
        (np.zeros((2, 2), dtype=int), np.full((2, 2), CLASSES), "below 4, or 255"),
        (np.zeros((2, 2), dtype=int), np.full((2, 2), -1), "below 4, or 255"),
    ],
)
def test_what_are_no_classes_is_refused(labels, truth, said):
    metrics = MultiClassMetrics(CLASSES)
    with pytest.raises(ValueError, match=said):
        metrics.update("cat/1", labels, truth)
    assert metrics.names == []


@pytest.mark.parametrize("classes", [0, 1, 256])
def test_the_number_of_classes_leaves_room_for_255(classes):
    with pytest.raises(ValueError, match="2 to 255"):
        MultiClassMetrics(classes)

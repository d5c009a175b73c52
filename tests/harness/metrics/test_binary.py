import numpy as np
import pytest
import torch
from golden_case import GoldenCase
from hypothesis import given, settings, strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from user_error import user_error

from samfit.harness.metrics import METRICS, BinaryMetrics


@st.composite
def images(draw):
    """Probabilities and truth (H, W), from two pixels on."""
    shape = draw(array_shapes(min_dims=2, max_dims=2, max_side=9).filter(lambda s: s != (1, 1)))
    probability = draw(arrays(np.float64, shape, elements=st.floats(0, 1)))
    return probability, draw(arrays(np.bool_, shape))


def scored(pairs):
    metrics = BinaryMetrics()
    for index, (probability, truth) in enumerate(pairs):
        metrics.update(f"image{index}", probability, truth)
    return metrics


def golden(name, full):
    """The case, and the scores of its images, whose values ``full`` turns into probabilities."""
    case = GoldenCase(name, torch.float64)
    both = zip(case.tensors["input.pred"].numpy(), case.tensors["input.gt"].numpy(), strict=True)
    return case, scored((full(pred), gt > gt.max() / 2) for pred, gt in both)


def check(case, found):
    case.check_outputs({key: torch.tensor(value).double() for key, value in found.items()})


def test_saliency_scores_equal_pysodmetrics():
    case, metrics = golden("metric_sod", lambda pred: pred / 255)
    names = {"sm": "s_measure", "em_mean": "e_measure", "wfm": "weighted_f", "mae": "mae"}
    check(case, {theirs: metrics.per_image[ours] for theirs, ours in names.items()})
    summary = metrics.summary()
    check(case, {f"dataset.{theirs}": summary[ours].value for theirs, ours in names.items()})


def test_saliency_scores_equal_autogluons_but_for_an_object_of_one_pixel():
    """Its S-measure takes the deviation of a single value, which is none, and ends up at 0."""
    case, metrics = golden("metric_sod_autogluon", lambda pred: pred / 255)
    structure, one_pixel = metrics.per_image["s_measure"].copy(), case.config["n_regular"] + 3
    assert structure[one_pixel] > 0.4
    structure[one_pixel] = 0.0
    found = {"sm": np.mean(structure)}
    for theirs, ours in {"em_mean": "e_measure", "wfm": "weighted_f_03", "mae": "mae"}.items():
        found[theirs] = metrics.summary()[ours].value
    check(case, found)


def test_overlap_equals_cads():
    case, metrics = golden("metric_region", lambda pred: pred.astype(np.float64))
    found = {key: metrics.per_image[key] for key in ("iou", "dice")}
    check(case, found | {f"dataset.{key}": metrics.summary()[key].value for key in found})


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_balanced_error_rate_equals_autogluons(dtype):
    case, metrics = golden("metric_ber", lambda pred: pred.astype(dtype) / dtype(255))
    check(case, {"ber": metrics.per_image["ber"], "dataset.ber": metrics.summary()["ber"].value})


@pytest.mark.parametrize(
    ("key", "best", "threshold", "next_value"),
    [("iou", 1, 127.5, 128), ("dice", 1, 127.5, 128), ("ber", 0, 125, 126)],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_thresholds_are_those_of_the_codes(key, best, threshold, next_value, dtype):
    """CAD's mask is where logits are positive, AutoGluon's where 255 p exceeds 125."""
    truth = np.ones((9, 9), dtype=bool)
    for value, score in ((threshold, 1 - best), (next_value, best)):
        probability = np.full((9, 9), dtype(value) / dtype(255))
        found = BinaryMetrics().update("image", probability, truth)
        assert found[key] == pytest.approx(score, abs=1e-4)


def test_pooled_error_rate_is_that_of_all_pixels_together():
    truth = np.array([[True, True, False, False]])
    small, large = truth, np.repeat(truth, 3, axis=0)
    metrics = scored([(small.astype(float), small), (np.zeros(large.shape), large)])
    assert metrics.per_image["ber"] == [0, 0.5]
    summary = metrics.summary()
    assert summary["ber"].value == 0.25
    assert summary["ber_pooled"].value == (6 / 8 + 0 / 8) / 2
    assert "ber_pooled" not in metrics.per_image


@pytest.mark.parametrize(
    "place", [np.s_[-1, :], np.s_[:, -1], np.s_[-1, -1], np.s_[-2:, -2:]], ids=str
)
def test_an_object_at_the_border_has_an_s_measure(place):
    truth = np.zeros((6, 8), dtype=bool)
    truth[place] = True
    assert BinaryMetrics().update("image", truth * 1.0, truth)["s_measure"] == pytest.approx(1)


def test_probabilities_keep_their_precision():
    truth = np.array([[True, False, False, False]])
    probability = np.array([[1.0, 0.0, 0.0, 1e-4]])
    assert BinaryMetrics().update("image", probability, truth)["mae"] == pytest.approx(1e-4 / 4)


@settings(deadline=None)
@given(images(), st.floats(0.1, 0.5), st.floats(0, 0.5))
def test_the_range_of_probabilities_is_stretched_to_the_whole(image, factor, offset):
    probability, truth = image
    probability.flat[0], probability.flat[-1] = 0, 1
    of_whole = BinaryMetrics().update("whole", probability, truth)
    of_part = BinaryMetrics().update("part", offset + factor * probability, truth)
    for key in ("mae", "weighted_f", "weighted_f_03"):
        assert of_part[key] == pytest.approx(of_whole[key], abs=1e-6)


@settings(deadline=None)
@given(images())
def test_scores_are_within_their_bounds(image):
    probability, truth = image
    scores = BinaryMetrics().update("image", probability, truth)
    over_one = {"e_measure": truth.size / (truth.size - 1)}  # it divides by pixels - 1
    for key, score in scores.items():
        assert -1e-9 <= score <= over_one.get(key, 1) + 1e-9, key
    assert scores["iou"] <= scores["dice"]


@settings(deadline=None)
@given(arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=9)))
def test_a_perfect_mask_has_the_best_scores(truth):
    for dtype in (np.float16, np.float32, np.float64):
        scores = BinaryMetrics().update("image", truth.astype(dtype), truth)
        best = {key: float(METRICS[key].larger_is_better) for key in scores}
        best["e_measure"] = scores["e_measure"]  # its lowest threshold takes everything
        if not truth.any():
            best |= {"weighted_f": 0, "weighted_f_03": 0}  # by definition
        assert scores == pytest.approx(best)
        assert scores["e_measure"] > 0.99


def test_a_diverged_model_is_told_apart():
    probability = np.full((2, 2), 0.5)
    probability[0, 1] = np.nan
    with user_error("cat/1", "--learning-rate"):
        BinaryMetrics().update("cat/1", probability, np.zeros((2, 2), dtype=bool))


@pytest.mark.parametrize(
    ("probability", "truth", "said"),
    [
        (np.zeros((2, 3)), np.zeros((3, 2), dtype=bool), "same size"),
        (np.zeros((0, 2)), np.zeros((0, 2), dtype=bool), "two pixels or more"),
        (np.zeros((1, 1)), np.zeros((1, 1), dtype=bool), "two pixels or more"),
        (np.zeros((1, 2, 2)), np.zeros((1, 2, 2), dtype=bool), r"\(H, W\)"),
        (np.zeros((2, 2)), np.zeros((2, 2), dtype=np.uint8), "uint8"),
        (np.zeros((2, 2), dtype=np.uint8), np.zeros((2, 2), dtype=bool), "uint8"),
        (np.full((2, 2), 1.5), np.zeros((2, 2), dtype=bool), "0..1"),
        (np.full((2, 2), -np.inf), np.zeros((2, 2), dtype=bool), "0..1"),
    ],
)
def test_what_is_no_mask_is_refused(probability, truth, said):
    metrics = BinaryMetrics()
    with pytest.raises(ValueError, match=said):
        metrics.update("cat/1", probability, truth)
    assert metrics.names == []

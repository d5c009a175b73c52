import numpy as np
import pytest

from samfit.harness.metrics import score
from samfit.harness.metrics.score import Score, scores_over_images


def mean_of(values, seed=0):
    [found] = scores_over_images(np.array([values]), lambda sums: sums / len(values), seed)
    return found


def test_the_interval_of_a_mean_is_that_of_the_normal_distribution():
    values = np.random.default_rng(0).random(400)
    found = mean_of(values)
    half = 1.96 * values.std() / 20
    assert found.value == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - half, abs=0.1 * half)
    assert found.high == pytest.approx(values.mean() + half, abs=0.1 * half)


def test_another_seed_draws_other_images():
    values = np.random.default_rng(0).random(30)
    assert mean_of(values, seed=0) != mean_of(values, seed=1)


@pytest.mark.parametrize("count", [1, 2, 50])
def test_images_that_all_score_the_same_leave_no_doubt(count):
    assert mean_of([0.25] * count) == Score(value=0.25, low=0.25, high=0.25)


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_biased_score_still_lies_in_its_interval(sign):
    values = np.random.default_rng(0).random((1, 30))
    [found] = scores_over_images(values, lambda sums: sign * (sums - values.sum()) ** 2, seed=0)
    assert found.value == 0
    assert (found.low, found.high)[sign < 0] == 0
    assert found.low < found.high


def test_an_image_is_drawn_as_a_whole():
    rows = np.random.default_rng(0).random(20)
    opposite = np.stack([rows, 1 - rows])
    [found] = scores_over_images(opposite, lambda sums: sums.sum(axis=0, keepdims=True), seed=0)
    assert found.low == pytest.approx(20) and found.high == pytest.approx(20)


def test_resamples_that_do_not_fit_at_once_are_drawn_in_parts(monkeypatch):
    values = np.random.default_rng(0).random(30)
    at_once = mean_of(values)
    monkeypatch.setattr(score, "VALUES_AT_A_TIME", 1)
    assert mean_of(values) == at_once

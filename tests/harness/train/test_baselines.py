"""What a model has to beat on a data set, and what is said if it does not."""

import numpy as np
import pytest
from tiny_task import Made, Told, made, tiny_data
from user_error import user_error

from samfit.harness.train import baselines as room
from samfit.harness.train.baselines import (
    baselines,
    collapse,
    filled_boxes,
    loss_hint,
    require_better,
    shortfall,
)

FOUND = {"all_background": 0.0, "all_foreground": 0.25, "grey_threshold": 0.5}


def test_each_image_is_read_once(monkeypatch):
    read = []

    class Counted:
        def __init__(self, index):
            self.index = index

        def read(self):
            read.append(self.index)
            return made(self.index).read()

    monkeypatch.setattr(room, "MOST", 3)
    told = Told()
    found = baselines([Counted(7), Counted(8)], [*map(Counted, range(7))], 1, told)
    assert sorted(read) == [0, 3, 6, 7, 8]
    assert told.tracked == [("scoring baselines", 5, 5)]
    assert found.keys() == FOUND.keys()
    assert 0 < found["all_foreground"] < found["grey_threshold"] == 1  # what is bright


def test_objects_are_compared_with_their_boxes():
    layers = np.zeros((2, 8, 8), np.int32)
    layers[0, :2, :2], layers[1] = 7, np.tril(np.full((8, 8), 300))
    found = filled_boxes([Made("a", np.zeros((8, 8, 3), np.uint8), layers)])
    assert found == {"filled_box": pytest.approx((1 + 36 / 64) / 2, abs=1e-4)}


def test_without_training_images_the_scored_ones_choose():
    data = tiny_data(3)
    assert baselines(data.train, (), 1) == baselines(data.train, data.train, 1)
    classes = tiny_data(2, classes=3)
    assert baselines(classes.train, (), 3).keys() == {"most_frequent_class"}


@pytest.mark.parametrize(
    ("loss", "share", "words"),
    [
        ("cad", 0.0412, "objects cover 4.1% of the images: if they are missed, try --loss"),
        ("structure", 0.0412, ""),
        ("cad", 0.2, ""),
    ],
)
def test_a_loss_is_advised_for_small_objects(loss, share, words):
    hint = loss_hint(loss, {"all_foreground": share})
    assert hint.startswith(words)
    assert bool(hint) == bool(words)
    assert loss_hint("samed", {"most_frequent_class": 0.2}) == ""


@pytest.mark.parametrize(
    ("score", "only", "classes", "words"),
    [
        (0.51, None, 1, ""),
        (0.5, None, 1, "no better than the best grey threshold (0.5000)"),
        (0.3, None, 1, "worse than the best grey threshold (0.5000)"),
        (0.0, 0, 1, "every mask is empty: the training collapsed; worse than the best grey"),
        (0.25, 1, 1, "every mask is full: the training collapsed; worse than"),
        (0.9, 2, 3, "every mask is of class 2 everywhere: the training collapsed"),
    ],
)
def test_what_is_wrong_is_said_in_words(score, only, classes, words):
    found = shortfall(score, FOUND, collapse(only, classes))
    assert found.startswith(words)
    assert bool(found) == bool(words)


def test_a_better_score_is_required_of_all_baselines():
    require_better(0.6, FOUND)
    with user_error("--require better-than-baseline", "0.3000 is worse than the best grey"):
        require_better(0.3, FOUND)
    for nothing in ((None, FOUND), (0.6, {})):
        with user_error("no score to compare"):
            require_better(*nothing)

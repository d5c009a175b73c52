"""What holds for every task."""

import numpy as np
import pytest

from samfit.harness.miniature.tasks import TASKS

pytestmark = pytest.mark.parametrize("name", TASKS)


def test_a_task_says_what_it_is_and_draws_what_it_promises(name):
    task = TASKS[name]
    assert task.name == name and task.title and task.mirrors and task.difficulty
    assert len(task.class_names) == (task.classes if task.classes > 1 else 0)
    image, mask = task.draw(np.random.default_rng(5))
    assert image.shape == (256, 256, 3)
    assert mask.shape == (256, 256)
    assert image.dtype == mask.dtype == np.uint8
    assert 20 < image.mean() < 220
    assert image.std() > 10


def test_the_same_seed_draws_the_same(name):
    one, same, other = (TASKS[name].draw(np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert all(np.array_equal(a, b) for a, b in zip(one, same, strict=True))
    assert np.abs(one[0].astype(int) - other[0]).mean() > 5
    assert (one[1] != other[1]).any()


def test_masks_hold_the_classes_and_a_fair_share_of_the_picture(name, drawings):
    masks = drawings(name)[1]
    assert set(np.unique(masks)) == set(range(max(TASKS[name].classes, 2)))
    share = (masks > 0).mean((1, 2))
    assert share.min() > 0.01
    assert share.max() < 0.6
    assert (share < 0.4).mean() > 0.8
    assert (share > 0.03).mean() > 0.8
    assert share.std() > 0.1 * share.mean()


def test_no_pixel_is_always_or_nearly_always_foreground(name, drawings):
    often = (drawings(name)[1] > 0).mean(0)
    assert 0 < often.max() < 0.8
    assert (often > 0).mean() > 0.4

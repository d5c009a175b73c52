"""Objects of an image, one by one: which there are, where, and which are drawn for a step."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from tiny_task import Made, Told, made, tiny_cell, tiny_data
from user_error import user_error

from samfit import DataSet
from samfit.harness.train.objects import as_prompted, objects_of, prompts_of
from samfit.harness.train.samples import Samples, some_objects


def layered(seed, count, height=48, width=40):
    """Rectangles that overlap, in two layers."""
    rng = np.random.default_rng(seed)
    mask = np.zeros((2, height, width), np.int32)
    for index in range(count):
        top, left = int(rng.integers(0, height - 8)), int(rng.integers(0, width - 8))
        mask[index % 2, top : top + 8, left : left + 6] = index + 1
    return mask


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 99), st.integers(0, 12))
def test_objects_are_all_ids_and_where_they_are(seed, count):
    mask = layered(seed, count)
    ids = sorted({*np.unique(mask).tolist()} - {0})
    objects = objects_of(mask)
    assert len(objects) == len(ids)
    for index, each in zip(ids, objects, strict=True):
        np.testing.assert_array_equal(each.whole(mask.shape[1:]), (mask == index).any(0))


def test_boxes_are_tight_and_never_empty():
    mask = np.zeros((1, 100, 200), np.int32)
    mask[0, 10:30, 40:80], mask[0, 50, 60] = 1, 2
    boxes, points = prompts_of(tiny_cell(prompt="mask_box"), objects_of(mask), (100, 200), 0)
    assert points is None
    np.testing.assert_allclose(boxes[0, 0], [12.8, 6.4, 25.6, 19.2], rtol=1e-6)
    np.testing.assert_allclose(boxes[0, 1], [19.2, 32, 20.2, 33], rtol=1e-6)


def test_points_lie_within_their_object():
    mask = layered(3, 6)
    cell = tiny_cell(prompt="points")
    objects = objects_of(mask)
    boxes, points = prompts_of(cell, objects, mask.shape[1:], seed=1)
    assert boxes is None
    assert points.shape == (1, len(objects), 3, 3)
    for each, of_object in zip(objects, points[0], strict=True):
        for x, y, label in of_object.tolist():
            assert label == 1
            row, column = round(y * 48 / 64), round(x * 40 / 64)
            assert each.whole((48, 40))[row, column]


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 99), st.integers(0, 9), st.integers(1, 12))
def test_objects_are_drawn_once_each_before_any_is_drawn_twice(seed, count, wanted):
    layers = torch.from_numpy(layered(seed, count))
    ids = [index for index in layers.unique().tolist() if index]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        drawn = some_objects(layers, wanted)
    assert drawn.shape == (wanted, 48, 40)
    whole = [(layers == index).any(0) for index in ids]
    which = [[i for i, mask in enumerate(whole) if torch.equal(mask, one.bool())] for one in drawn]
    if not ids:
        assert not drawn.any()
        return
    counts = np.bincount([each[0] for each in which], minlength=len(ids))
    assert counts.max() - counts.min() <= 1


@pytest.mark.parametrize("prompt", ["mask_box", "points"])
def test_a_sample_has_a_prompt_and_a_mask_for_each_of_as_many_objects(prompt):
    example = Made("a", made(0, height=48, width=40).image, layered(0, 5))
    cell = tiny_cell(prompt=prompt, prompts_per_image=4, loss="sam_adapter")
    batch, mask = Samples([example], cell)[0, 0]
    assert mask is example.mask
    assert batch.masks.shape == (4, 1, 64, 64)
    if prompt == "points":
        assert batch.points.shape == (1, 4, 3, 3)
    else:
        assert batch.boxes.shape == (1, 4, 4)
        for (x0, y0, x1, y1), target in zip(batch.boxes[0], batch.masks[:, 0], strict=True):
            rows, columns = target.nonzero().T
            assert x0 <= columns.min() and columns.max() < x1
            assert y0 <= rows.min() and rows.max() < y1
    again, _ = Samples([example], cell)[0, 0]
    other, _ = Samples([example], cell)[1, 0]
    assert torch.equal(again.masks, batch.masks)
    assert not torch.equal(other.masks, batch.masks)


def test_an_image_without_objects_has_empty_masks_of_the_whole_image():
    example = Made("a", made(0).image, np.zeros((1, 64, 64), np.int32))
    batch, _ = Samples([example], tiny_cell(prompt="mask_box", prompts_per_image=2))[0, 0]
    assert batch.boxes.tolist() == [[[0, 0, 64, 64]] * 2]
    assert not batch.masks.any()


def test_without_prompts_of_their_own_objects_are_one_and_that_is_said():
    example = Made("a", made(0, height=48, width=40).image, layered(0, 5))
    data = DataSet(name="cells", classes=1, kind="instances", train=(example,))
    told = Told()
    (one,) = as_prompted(data, tiny_cell(prompt="box"), told).train
    np.testing.assert_array_equal(one.read()[1], (example.mask > 0).any(0))
    assert "--prompt mask_box trains each object" in told.said[0]
    told = Told()
    assert as_prompted(data, tiny_cell(prompt="mask_box"), told) is data
    assert told.said == []
    assert as_prompted(tiny_data(), tiny_cell(prompt="mask_box"), told).kind == "binary"


def test_several_prompts_where_an_image_has_one_object_are_refused():
    with user_error("--prompts-per-image 3", "tiny has binary masks"):
        as_prompted(tiny_data(), tiny_cell(prompt="mask_box", prompts_per_image=3))

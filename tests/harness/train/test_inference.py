"""Masks at the size of the truth, and their scores; masks of single images."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_task import Made, made, tiny_cell
from torch.nn import functional as F
from user_error import user_error

from samfit.harness.data.example import IGNORED
from samfit.harness.step.step import build_model
from samfit.harness.train.inference import labels, predict_masks, predictions, score_masks, to_size
from samfit.harness.train.prompts import NOTHING, Asked
from samfit.harness.train.samples import Samples

CPU = torch.device("cpu")
SIZES = [(50, 90), (64, 64), (131, 30)]
needs_fork = pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")


def examples(classes=1):
    return [made(n, classes, height, width) for n, (height, width) in enumerate(SIZES)]


def cell_and_model(prompt="mask_box", **fields):
    cell = tiny_cell(**{"batch_size": 1, "prompt": prompt, **fields})
    return cell, build_model(cell, CPU)


CLASSES = {"settings": {"classes": 3}, "loss": "samed"}


@pytest.mark.parametrize("fields", [{}, CLASSES], ids=["binary", "classes"])
def test_masks_have_the_size_of_the_truth(fields):
    classes = 3 if fields else 1
    cell, model = cell_and_model(**fields)
    metrics, masks = score_masks(cell, model, examples(classes), keep=3)
    assert [mask.shape for mask in masks] == SIZES
    assert all(mask.dtype == np.uint8 and mask.max() < max(2, classes) for mask in masks)
    assert metrics.names == ["000", "001", "002"]
    found = list(predictions(cell, model, examples(classes)))
    for (logits, truth), example, mask in zip(found, examples(classes), masks, strict=True):
        assert logits.shape == (classes, *example.mask.shape)
        assert (truth == example.mask).all()
        assert (labels(logits) == mask).all()


def test_logits_are_those_of_sam_at_the_input_size_and_then_at_the_images():
    cell, model = cell_and_model()
    example = examples()[0]
    batch, _ = Samples([example], replace(cell, phase="infer"))[0, 0]
    with torch.no_grad():
        low = model.eval()(batch.images, batch.boxes)
    large = F.interpolate(low, (64, 64), mode="bilinear", align_corners=False)
    expected = F.interpolate(large, SIZES[0], mode="bilinear", align_corners=False)[0]
    ((logits, _),) = predictions(cell, model, [example])
    torch.testing.assert_close(logits, expected, rtol=1e-4, atol=1e-4)
    assert torch.equal(to_size(large[0], SIZES[0]), expected)


def test_scores_are_those_of_the_mask_as_one_computes_them_by_hand():
    cell, model = cell_and_model()
    metrics, masks = score_masks(cell, model, examples(), keep=3)
    for index, (mask, example) in enumerate(zip(masks, examples(), strict=True)):
        inside = int((mask & example.mask).sum())
        union = int((mask | example.mask).sum())
        assert metrics.per_image["iou"][index] == pytest.approx((inside + 1e-3) / (union + 1e-3))
    assert metrics.summary()["iou"].value == pytest.approx(np.mean(metrics.per_image["iou"]))


def test_classes_are_scored_without_what_nobody_labelled():
    cell, model = cell_and_model("box", **CLASSES)
    example = made(0, classes=3)
    metrics, (mask,) = score_masks(cell, model, [example], keep=3)
    wrong = mask != example.mask
    assert wrong.any()
    assert metrics.summary()["pixel_accuracy"].value == pytest.approx(1 - wrong.mean())
    forgiving = replace(example, mask=np.where(wrong, IGNORED, example.mask).astype(np.uint8))
    metrics, _ = score_masks(cell, model, [forgiving])
    assert metrics.summary()["pixel_accuracy"].value == 1


@needs_fork
def test_neither_the_batch_nor_workers_change_a_score():
    cell, model = cell_and_model(adapter="cad")
    alone, _ = score_masks(cell, model, examples())
    together, _ = score_masks(replace(cell, batch_size=2), model, examples())
    helped, _ = score_masks(cell, model, examples(), workers=2)
    assert helped.per_image == alone.per_image
    for key, values in alone.per_image.items():
        assert together.per_image[key] == pytest.approx(values, abs=1e-3)


def test_a_model_in_training_is_scored_in_eval_mode():
    cell, model = cell_and_model(adapter="cad")
    before = {name: tensor.clone() for name, tensor in model.trained_state().items()}
    model.train()
    trained, _ = score_masks(cell, model, examples())
    assert not model.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.trained_state().items())
    assert score_masks(cell, model, examples())[0].per_image == trained.per_image


def test_a_model_that_diverged_is_named():
    cell, model = cell_and_model()
    with torch.no_grad():
        model.sam.mask_decoder.mask_tokens.weight.fill_(math.nan)
    with user_error("masks are not numbers", "diverged"):
        score_masks(cell, model, examples())


def test_labels_are_signs_of_one_mask_and_the_largest_of_several():
    assert labels(torch.tensor([[[-1.0, 0.0, 2.0]]])).tolist() == [[0, 0, 1]]
    assert labels(torch.tensor([[[-1.0, 5.0]], [[-2.0, 5.5]], [[-3.0, 0.0]]])).tolist() == [[0, 1]]


# The mask of a single image


def predict_mask(cell, model, image, asked=NOTHING):
    """The mask of the one object that is asked for."""
    (logits,) = predict_masks(cell, model, image, asked)
    return labels(logits)


def block(height, width, top, left, bottom, right):
    """An image with an object whose edges are where the given ones are."""
    mask = np.zeros((height, width), dtype=np.uint8)
    mask[top:bottom, left:right] = 1
    return Made("block", made(0, height=height, width=width).image, mask)


@pytest.mark.parametrize(("height", "width"), [(64, 64), (33, 200), (150, 90)])
@pytest.mark.parametrize("classes", [1, 3])
def test_a_mask_has_the_size_of_its_image(height, width, classes):
    cell, model = cell_and_model("box", **(CLASSES if classes > 1 else {}))
    mask = predict_mask(cell, model, made(0, height=height, width=width).image)
    assert mask.shape == (height, width)
    assert mask.dtype == np.uint8
    assert set(np.unique(mask)) <= {*range(max(2, classes))}


@pytest.mark.parametrize("prompt", ["box", "none"])
def test_what_is_segmented_is_what_is_evaluated(prompt):
    cell, model = cell_and_model(prompt)
    example = made(0, height=50, width=90)
    _, (evaluated,) = score_masks(cell, model, [example], keep=3)
    assert (predict_mask(cell, model, example.image) == evaluated).all()


def test_a_box_is_given_in_pixels_of_the_image():
    cell, model = cell_and_model("mask_box")
    example = block(128, 192, top=20, left=30, bottom=100, right=120)
    _, (evaluated,) = score_masks(cell, model, [example], keep=3)
    assert (
        predict_mask(cell, model, example.image, Asked([(30, 20, 120, 100)])) == evaluated
    ).all()
    other = predict_mask(cell, model, example.image, Asked([(0, 0, 20, 20)]))
    assert (other != evaluated).any()


def test_points_are_given_in_pixels_of_the_image():
    asked = Asked(points=[[(96, 32), (0, 127)], [(3, 3)]])
    _, points = asked.on_input(64, (128, 192))
    assert points.tolist() == [[[[32, 16, 1], [0, 63.5, 1]], [[1, 1.5, 1], [0, 0, -1]]]]
    cell, model = cell_and_model("points")
    image = made(0, height=128, width=192).image
    first, second = predict_masks(cell, model, image, asked)
    assert first.shape == second.shape == (1, 128, 192)
    assert (first != second).any()
    (alone,) = predict_masks(cell, model, image, Asked(points=[[(3, 3)]]))
    assert alone.shape == (1, 128, 192)


def test_several_boxes_are_several_masks_and_each_is_that_of_its_box_alone():
    cell, model = cell_and_model("mask_box")
    image = made(0, height=128, width=192).image
    boxes = [(10, 10, 60, 70), (100, 20, 190, 120), (0, 0, 192, 128)]
    together = [*predict_masks(cell, model, image, Asked(boxes))]
    for box, logits in zip(boxes, together, strict=True):
        (alone,) = predict_masks(cell, model, image, Asked([box]))
        torch.testing.assert_close(logits, alone, rtol=1e-4, atol=1e-5)


def several(count, side=64):
    """An image with square objects in a row."""
    mask = np.zeros((1, side, side), np.int32)
    for index in range(count):
        mask[0, 8:24, 4 + 14 * index : 14 + 14 * index] = index + 1
    return Made(f"{count}", made(0).image, mask)


@pytest.mark.parametrize("prompt", ["mask_box", "points"])
def test_each_object_is_scored_with_a_prompt_of_its_own(prompt):
    cell, model = cell_and_model(prompt)
    metrics, masks = score_masks(
        cell, model, [several(3), several(0), several(1)], keep=3, kind="instances"
    )
    assert len(metrics.objects) == 4
    assert [len(scores) for scores in metrics.per_image.values()] == [3, 3, 3]
    assert np.isnan(metrics.per_image["iou"][1])
    assert [mask.shape for mask in masks] == [(64, 64)] * 3
    scores = metrics.summary()
    ious = [each["iou"] for each in metrics.objects]
    assert scores["iou"].value == pytest.approx(np.mean(ious))
    of_images = [np.mean(ious[:3]), ious[3]]
    assert scores["iou_of_images"].value == pytest.approx(np.mean(of_images))


def test_a_box_of_the_truth_is_what_segment_is_given():
    cell, model = cell_and_model("mask_box")
    example = several(2)
    metrics, (mask,) = score_masks(cell, model, [example], keep=1, kind="instances")
    asked = Asked([(4, 8, 14, 24), (18, 8, 28, 24)])
    masks = [labels(logits) for logits in predict_masks(cell, model, example.image, asked)]
    np.testing.assert_array_equal(np.maximum(*masks), mask)
    truth = example.mask[0] == 1
    union = (masks[0] > 0) | truth
    iou = ((masks[0] > 0) & truth).sum() / union.sum()
    assert metrics.objects[0]["iou"] == pytest.approx(iou, abs=1e-3)


@pytest.mark.parametrize("prompt", ["mask_box", "points"])
def test_an_object_that_vanishes_at_the_input_size_still_counts(prompt):
    cell, model = cell_and_model(prompt)
    mask = np.zeros((1, 640, 960), np.int32)
    mask[0, 501, 703] = 1
    example = Made("speck", made(0, height=640, width=960).image, mask)
    metrics, _ = score_masks(cell, model, [example], kind="instances")
    assert len(metrics.objects) == 1


def test_objects_that_overlap_are_scored_each_as_a_whole():
    cell, model = cell_and_model("mask_box")
    layers = np.zeros((2, 64, 64), np.int32)
    layers[0, 8:40, 8:40], layers[1, 20:60, 20:60] = 1, 2
    example = Made("two", made(0).image, layers)
    together, _ = score_masks(cell, model, [example], kind="instances")
    for row, layer in zip(together.objects, layers, strict=True):
        alone = replace(example, mask=layer[None])
        metrics, _ = score_masks(cell, model, [alone], kind="instances")
        assert row["iou"] == pytest.approx(metrics.objects[0]["iou"], abs=1e-3)

"""Masks at the size of the truth, and their scores."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_task import made, tiny_cell
from torch.nn import functional as F
from user_error import user_error

from samfit.harness.data.example import IGNORED
from samfit.harness.step.step import build_model
from samfit.harness.train.evaluate import evaluate, labels, predictions, to_size
from samfit.harness.train.samples import Samples

CPU = torch.device("cpu")
SIZES = [(50, 90), (64, 64), (131, 30)]
needs_fork = pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")


def examples(classes=1):
    return [made(n, classes, height, width) for n, (height, width) in enumerate(SIZES)]


def cell_and_model(**fields):
    cell = tiny_cell(**{"batch_size": 1, "prompt": "mask_box", **fields})
    return cell, build_model(cell, CPU)


CLASSES = {"settings": {"classes": 3}, "loss": "samed"}


@pytest.mark.parametrize("fields", [{}, CLASSES], ids=["binary", "classes"])
def test_masks_have_the_size_of_the_truth(fields):
    classes = 3 if fields else 1
    cell, model = cell_and_model(**fields)
    metrics, masks = evaluate(cell, model, examples(classes), CPU)
    assert [mask.shape for mask in masks] == SIZES
    assert all(mask.dtype == np.uint8 and mask.max() < max(2, classes) for mask in masks)
    assert metrics.names == ["000", "001", "002"]
    found = list(predictions(cell, model, examples(classes), CPU))
    for (logits, truth), example, mask in zip(found, examples(classes), masks, strict=True):
        assert logits.shape == (classes, *example.mask.shape)
        assert (truth == example.mask).all()
        assert (labels(logits) == mask).all()


def test_logits_are_those_of_sam_at_the_input_size_and_then_at_the_images():
    cell, model = cell_and_model()
    example = examples()[0]
    batch = Samples([example], replace(cell, phase="infer"))[0, 0]
    with torch.no_grad():
        low = model.eval()(batch.images, batch.boxes)
    large = F.interpolate(low, (64, 64), mode="bilinear", align_corners=False)
    expected = F.interpolate(large, SIZES[0], mode="bilinear", align_corners=False)[0]
    ((logits, _),) = predictions(cell, model, [example], CPU)
    torch.testing.assert_close(logits, expected, rtol=1e-4, atol=1e-4)
    assert torch.equal(to_size(large[0], SIZES[0]), expected)


def test_scores_are_those_of_the_mask_as_one_computes_them_by_hand():
    cell, model = cell_and_model()
    metrics, masks = evaluate(cell, model, examples(), CPU)
    for index, (mask, example) in enumerate(zip(masks, examples(), strict=True)):
        inside = int((mask & example.mask).sum())
        union = int((mask | example.mask).sum())
        assert metrics.per_image["iou"][index] == pytest.approx((inside + 1e-3) / (union + 1e-3))
    assert metrics.summary()["iou"].value == pytest.approx(np.mean(metrics.per_image["iou"]))


def test_classes_are_scored_without_what_nobody_labelled():
    cell, model = cell_and_model(**CLASSES, prompt="box")
    example = made(0, classes=3)
    metrics, (mask,) = evaluate(cell, model, [example], CPU)
    wrong = mask != example.mask
    assert wrong.any()
    assert metrics.summary()["pixel_accuracy"].value == pytest.approx(1 - wrong.mean())
    forgiving = replace(example, mask=np.where(wrong, IGNORED, example.mask).astype(np.uint8))
    metrics, _ = evaluate(cell, model, [forgiving], CPU)
    assert metrics.summary()["pixel_accuracy"].value == 1


@needs_fork
def test_neither_the_batch_nor_workers_change_a_score():
    cell, model = cell_and_model(adapter="cad")
    alone, _ = evaluate(cell, model, examples(), CPU)
    together, _ = evaluate(replace(cell, batch_size=2), model, examples(), CPU)
    helped, _ = evaluate(cell, model, examples(), CPU, workers=2)
    assert helped.per_image == alone.per_image
    for key, values in alone.per_image.items():
        assert together.per_image[key] == pytest.approx(values, abs=1e-3)


def test_a_model_in_training_is_scored_in_eval_mode():
    cell, model = cell_and_model(adapter="cad")
    before = {name: tensor.clone() for name, tensor in model.trained_state().items()}
    model.train()
    trained, _ = evaluate(cell, model, examples(), CPU)
    assert not model.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.trained_state().items())
    assert evaluate(cell, model, examples(), CPU)[0].per_image == trained.per_image


def test_progress_is_told_each_example():
    cell, model = cell_and_model()
    told = []
    evaluate(cell, model, examples(), CPU, progress=lambda: told.append(1))
    assert len(told) == 3


def test_a_model_that_diverged_is_named():
    cell, model = cell_and_model()
    with torch.no_grad():
        model.sam.mask_decoder.mask_tokens.weight.fill_(math.nan)
    with user_error("masks that are no numbers", "diverged"):
        evaluate(cell, model, examples(), CPU)


def test_labels_are_signs_of_one_mask_and_the_largest_of_several():
    assert labels(torch.tensor([[[-1.0, 0.0, 2.0]]])).tolist() == [[0, 0, 1]]
    assert labels(torch.tensor([[[-1.0, 5.0]], [[-2.0, 5.5]], [[-3.0, 0.0]]])).tolist() == [[0, 1]]

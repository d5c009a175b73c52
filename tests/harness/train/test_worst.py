"""The worst images of an evaluation: the right ones, with the masks that were scored."""

import math

import numpy as np
import torch
from tiny_task import Made, made, tiny_cell

from samfit.harness.metrics.binary import overlap
from samfit.harness.step.step import build_model
from samfit.harness.train import worst as room
from samfit.harness.train.inference import score_masks
from samfit.harness.train.worst import worst_of

CELL = tiny_cell(phase="infer", prompt="points", batch_size=1)


def test_the_worst_have_the_masks_that_were_scored(monkeypatch):
    monkeypatch.setattr(room, "SIDE", 70)
    model = build_model(CELL, torch.device("cpu"))
    examples = [made(index, height=60 + index, width=70) for index in range(5)]
    metrics, _ = score_masks(CELL, model, examples)
    scores = metrics.per_image["iou"]
    found = worst_of(CELL, model, examples, scores, 3)
    assert [one.score for one in found] == sorted(scores)[:3]
    for one in found:
        example = examples[scores.index(one.score)]
        assert one.name == example.name
        assert (one.image == example.image).all()
        assert (one.truth == example.mask).all()
        assert overlap(one.mask > 0, one.truth > 0)[0] == one.score


def test_images_without_a_score_are_left_out_and_large_ones_made_smaller(monkeypatch):
    monkeypatch.setattr(room, "SIDE", 32)
    model = build_model(CELL, torch.device("cpu"))
    examples = [made(0), made(1, height=48, width=64)]
    (one,) = worst_of(CELL, model, examples, [math.nan, 0.5], 2)
    assert one.image.shape == (24, 32, 3)
    assert one.truth.shape == one.mask.shape == (24, 32)
    assert one.truth.mean() > 0.1


def test_objects_are_shown_together():
    layers = np.zeros((2, 4, 4), np.int32)
    layers[0, 0], layers[1, 1] = 300, 7
    image = np.zeros((4, 4, 3), np.uint8)
    shown = room._shown(Made("a", image, layers), 0.5, np.zeros((4, 4), np.uint8), layers)
    assert shown.image.shape == (room.SIDE, room.SIDE, 3)
    assert shown.truth.mean() == 0.5

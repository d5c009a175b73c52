import pytest
import torch
from golden_case import GoldenCase, in_both_precisions
from torch.nn import functional as F

from harness.accuracy.losses import (
    LOSSES,
    bce_iou_of_probabilities,
    cad_loss,
    resize,
    sam_adapter_loss,
    soft_iou_loss,
    structure_loss,
    weighted_structure_loss,
)


@in_both_precisions
def test_cad_loss_equals_the_official_one(dtype):
    case = GoldenCase("loss_cad_bce_iou", dtype)
    probability, target = case.inputs["x"], case.inputs["target"]
    case.check(
        {
            "bce": F.binary_cross_entropy(probability, target),
            "iou": soft_iou_loss(probability, target, smooth=1e-3),
            "y": bce_iou_of_probabilities(probability, target),
        }
    )


@in_both_precisions
def test_sam_adapter_loss_equals_the_official_one(dtype):
    case = GoldenCase("loss_sam_adapter_bce_iou", dtype)
    logits, target = case.inputs["x"], case.inputs["target"]
    case.check(
        {
            "bce": F.binary_cross_entropy_with_logits(logits, target),
            "iou": soft_iou_loss(logits.sigmoid(), target, smooth=0.0),
            "y": sam_adapter_loss(logits, target),
        }
    )


@in_both_precisions
def test_structure_loss_equals_autogluons(dtype):
    case = GoldenCase("loss_structure", dtype)
    case.check({"y": structure_loss(case.inputs["x"], case.inputs["target"])})


def test_the_papers_structure_loss_weighs_its_cross_entropy_too():
    logits, target = torch.randn(2, 1, 40, 40), torch.zeros(2, 1, 40, 40)
    target[..., 20:] = 1
    logits[..., 15:25] -= 5 * (target[..., 15:25] - 0.5)  # errors at the edge
    assert weighted_structure_loss(logits, target) > structure_loss(logits, target)
    flat = torch.zeros(2, 1, 40, 40)  # no edge: the weights are one
    expected = structure_loss(logits, flat)
    torch.testing.assert_close(weighted_structure_loss(logits, flat), expected)


def test_zeros_beyond_the_border_count_as_background():
    """At the corner of a mask of ones 256 of 961 pixels are inside: a quarter, not all."""
    corner = 1 + 5 * (1 - 16 * 16 / (31 * 31))
    logits, target = torch.full((1, 1, 31, 31), 50.0), torch.ones(1, 1, 31, 31)
    logits[..., 0, 0] = -50  # the only error
    only_corner = weighted_structure_loss(logits, target)
    logits[..., 0, 0], logits[..., 15, 15] = 50, -50
    only_centre = weighted_structure_loss(logits, target)
    assert only_corner / only_centre == pytest.approx(corner, rel=0.01)


def test_cad_loss_of_logits_is_that_of_their_probabilities():
    logits, target = torch.randn(2, 1, 8, 8), torch.randint(0, 2, (2, 1, 8, 8)).float()
    expected = bce_iou_of_probabilities(logits.sigmoid(), target)
    assert torch.equal(cad_loss(logits, target), expected)


@pytest.mark.parametrize("loss", [cad_loss, sam_adapter_loss])
def test_a_perfect_mask_costs_nothing_and_a_wrong_one_a_lot(loss):
    target = torch.randint(0, 2, (2, 1, 8, 8)).float()
    logits = 200 * (target - 0.5)
    assert loss(logits, target) < 1e-3
    assert 100 < loss(-logits, target) < 102  # binary cross-entropy stops at 100


@pytest.mark.parametrize(
    "loss", [cad_loss, sam_adapter_loss, structure_loss, weighted_structure_loss]
)
def test_images_are_averaged_not_pooled(loss):
    logits, target = torch.randn(3, 1, 8, 8), torch.randint(0, 2, (3, 1, 8, 8)).float()
    single = torch.stack([loss(logits[i : i + 1], target[i : i + 1]) for i in range(3)])
    torch.testing.assert_close(loss(logits, target), single.mean())


@pytest.mark.parametrize(("name", "side"), [("cad", 32), ("sam_adapter", 64)])
def test_the_loss_is_taken_at_the_recipes_size_after_the_input_size(name, side):
    loss = LOSSES[name]
    logits, target = torch.randn(2, 1, 16, 16), torch.randint(0, 2, (2, 1, side, side)).float()
    shape = {"mode": "bilinear", "align_corners": False}
    enlarged = F.interpolate(logits, (64, 64), **shape)
    expected = loss.of_logits(F.interpolate(enlarged, (side, side), **shape), target)
    torch.testing.assert_close(loss(logits, target, image_size=64), expected)


def test_resizing_is_bilinear_between_pixel_centres():
    resized = resize(torch.tensor([[[[0.0, 1.0]]]]).expand(1, 1, 2, 2), 4)
    assert resized[0, 0, 0].tolist() == [0.0, 0.25, 0.75, 1.0]

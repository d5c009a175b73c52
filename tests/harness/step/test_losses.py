from typing import get_args

import pytest
import torch
from golden_case import GoldenCase, in_both_precisions
from hypothesis import given, settings, strategies as st
from torch.nn import functional as F

from samfit.harness.data.example import IGNORED
from samfit.harness.record.cell import LossName
from samfit.harness.step.losses import (
    LOSSES,
    balanced_bce_loss,
    bce_iou_of_probabilities,
    cad_loss,
    dice_ce_loss,
    resize,
    sam_adapter_loss,
    samed_loss,
    soft_dice_loss,
    soft_iou_loss,
    structure_loss,
    weighted_structure_loss,
)

seeds = st.integers(0, 2**32 - 1)


def random_classes(seed, classes, count=2, side=6):
    """Logits (N, K, M, M) and class indices (N, 1, M, M), about a tenth of them ignored."""
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(count, classes, side, side, generator=generator)
    target = torch.randint(0, classes, (count, 1, side, side), generator=generator)
    target[torch.rand(target.shape, generator=generator) < 0.1] = IGNORED
    return logits, target


def test_every_loss_can_be_chosen():
    assert set(get_args(LossName)) == set(LOSSES)


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


@in_both_precisions
def test_balanced_bce_equals_autogluons(dtype):
    case = GoldenCase("loss_balanced_bce", dtype)
    case.check({"y": balanced_bce_loss(case.inputs["x"], case.inputs["target"])})


@in_both_precisions
def test_dice_ce_equals_monais(dtype):
    case = GoldenCase("loss_dice_ce", dtype)
    logits, target = case.inputs["x"], case.inputs["target"]
    case.check(
        {
            "ce": F.binary_cross_entropy_with_logits(logits, target),
            "dice": soft_dice_loss(logits.sigmoid(), target, over=(1, 2, 3)),
            "y": dice_ce_loss(logits, target),
        }
    )


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


@pytest.mark.parametrize("loss", [cad_loss, sam_adapter_loss, dice_ce_loss])
def test_a_perfect_mask_costs_nothing_and_a_wrong_one_a_lot(loss):
    target = torch.randint(0, 2, (2, 1, 8, 8)).float()
    logits = 200 * (target - 0.5)
    assert loss(logits, target) < 1e-3
    assert 100 < loss(-logits, target) < 102  # binary cross-entropy stops at 100


@pytest.mark.parametrize("loss", [loss for loss in LOSSES.values() if not loss.multi_class])
@settings(deadline=None)
@given(seed=seeds, scale=st.floats(0, 1e4))
def test_no_loss_is_negative_or_infinite(loss, seed, scale):
    torch.manual_seed(seed)
    logits = (scale * torch.randn(2, 1, 5, 5)).requires_grad_()
    target = torch.randint(0, 2, (2, 1, 5, 5)).float()
    target[0, 0, 0, 0] = 1  # SAM-Adapter's IoU has no smoothing: 0 / 0 without any pixel
    target[1, 0, 0, 0] = 1
    value = loss.of_logits(logits, target)
    value.backward()
    assert torch.isfinite(value) and value > -1e-6
    assert torch.isfinite(logits.grad).all()


@settings(deadline=None)
@given(seeds)
def test_balanced_bce_gives_both_kinds_of_pixel_the_same_weight(seed):
    torch.manual_seed(seed)
    target = torch.randint(0, 2, (2, 1, 5, 5)).float()
    foreground = target.mean()
    of_zeros = balanced_bce_loss(torch.zeros_like(target), target)
    expected = 2 * foreground * (1 - foreground) * torch.tensor(2.0).log()
    torch.testing.assert_close(of_zeros, expected)
    logits = torch.randn_like(target)
    torch.testing.assert_close(
        balanced_bce_loss(logits, target), balanced_bce_loss(-logits, 1 - target)
    )


@pytest.mark.parametrize("kind", [0.0, 1.0])
def test_balanced_bce_of_one_kind_of_pixel_is_zero(kind):
    logits = torch.randn(2, 1, 4, 4, requires_grad=True)
    loss = balanced_bce_loss(logits, torch.full_like(logits, kind))
    loss.backward()
    assert loss == 0
    assert torch.equal(logits.grad, torch.zeros_like(logits))


def test_balanced_bce_of_a_perfect_mask_is_nothing_and_of_a_wrong_one_a_lot():
    target = torch.tensor([0.0, 0.0, 0.0, 1.0]).view(1, 1, 2, 2)
    logits = 200 * (target - 0.5)
    assert balanced_bce_loss(logits, target) < 1e-6
    wrong = balanced_bce_loss(-logits, target)
    assert wrong == pytest.approx(100 * 2 * 0.25 * 0.75)  # softplus(100), and the weights' mean


@pytest.mark.parametrize(
    "loss", [cad_loss, sam_adapter_loss, structure_loss, weighted_structure_loss, dice_ce_loss]
)
def test_images_are_averaged_not_pooled(loss):
    logits, target = torch.randn(3, 1, 8, 8), torch.randint(0, 2, (3, 1, 8, 8)).float()
    single = torch.stack([loss(logits[i : i + 1], target[i : i + 1]) for i in range(3)])
    torch.testing.assert_close(loss(logits, target), single.mean())


def samed_by_hand(logits, target):
    """Class by class, as the formula is written."""
    known = (target != IGNORED)[:, 0]
    probability, indices = logits.softmax(1), target[:, 0]
    each = []
    for index in range(logits.shape[1]):
        p, t = probability[:, index][known], (indices[known] == index).to(logits.dtype)
        each.append(1 - (2 * (p * t).sum() + 1e-5) / ((p * p).sum() + (t * t).sum() + 1e-5))
    entropy = F.cross_entropy(logits.movedim(1, -1)[known], indices[known])
    return 0.2 * entropy + 0.8 * torch.stack(each).mean()


@settings(deadline=None)
@given(seeds, st.integers(2, 5))
def test_samed_is_cross_entropy_and_dice_of_the_labelled_pixels(seed, classes):
    logits, target = random_classes(seed, classes)
    loss = samed_loss(logits, target)
    torch.testing.assert_close(loss, samed_by_hand(logits, target))
    torch.testing.assert_close(samed_loss(logits, target.float()), loss)
    assert loss > 0


def test_samed_pools_its_dice_over_the_batch():
    logits, target = random_classes(seed=0, classes=3)
    single = torch.stack([samed_loss(logits[i : i + 1], target[i : i + 1]) for i in range(2)])
    assert not torch.isclose(samed_loss(logits, target), single.mean(), rtol=1e-3)


@settings(deadline=None)
@given(seeds, st.permutations(range(4)))
def test_samed_does_not_care_for_the_order_of_classes(seed, order):
    logits, target = random_classes(seed, classes=4)
    moved = torch.tensor([*order, *range(4, 256)])  # class order[i] becomes class i
    torch.testing.assert_close(
        samed_loss(logits[:, moved[:4]], moved.argsort()[target]), samed_loss(logits, target)
    )


@settings(deadline=None)
@given(seeds)
def test_a_perfect_prediction_of_classes_costs_nothing_and_a_wrong_one_a_lot(seed):
    _, target = random_classes(seed, classes=3)
    hot = (target == torch.arange(3).view(1, 3, 1, 1)).float()
    assert samed_loss(100 * hot, target) < 1e-6
    assert samed_loss(-100 * hot, target) > 20


@settings(deadline=None)
@given(seeds)
def test_pixels_that_nobody_labelled_do_not_count(seed):
    logits, target = random_classes(seed, classes=3)
    ignored = (target == IGNORED).expand_as(logits)
    logits.requires_grad_()
    loss = samed_loss(logits, target)
    loss.backward()
    assert (logits.grad[ignored] == 0).all()
    assert (logits.grad[~ignored] != 0).any()
    elsewhere = torch.where(ignored, -7 * logits, logits)
    torch.testing.assert_close(samed_loss(elsewhere, target), loss)


def test_without_any_labelled_pixel_there_is_nothing_to_learn():
    logits = torch.randn(2, 3, 4, 4, requires_grad=True)
    loss = samed_loss(logits, torch.full((2, 1, 4, 4), float(IGNORED)))
    loss.backward()
    assert loss == 0
    assert (logits.grad == 0).all()


@pytest.mark.parametrize("loss", LOSSES.values())
def test_losses_need_no_data(loss):
    """Predictions run them on tensors that have shapes alone."""
    logits = torch.randn(2, 3 if loss.multi_class else 1, 16, 16, device="meta")
    logits.requires_grad_()
    side = 64 // loss.reduction
    value = loss(logits, torch.ones(2, 1, side, side, device="meta"), image_size=64)
    value.backward()
    assert value.shape == ()
    assert logits.grad.shape == logits.shape


@pytest.mark.parametrize("name", ["dice_ce", "samed"])
def test_a_loss_at_the_decoders_own_size_takes_its_logits_as_they_are(name):
    loss = LOSSES[name]
    logits, target = torch.randn(2, 3, 16, 16), torch.randint(0, 2, (2, 1, 16, 16)).float()
    logits = logits if loss.multi_class else logits[:, :1]
    assert torch.equal(loss(logits, target, image_size=64), loss.of_logits(logits, target))


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

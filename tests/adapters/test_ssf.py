import pytest
import torch
from golden_case import relative_error
from small_sam import adapted, small_batch
from torch import nn
from user_error import user_error

from samfit.adapters.ssf import ScaleShift


def test_scales_and_shifts_every_channel():
    affine, y = ScaleShift(6), torch.randn(2, 3, 4, 6)
    assert torch.allclose(affine(y), affine.scale * y + affine.shift)
    affine, y = ScaleShift(6, dim=-3), torch.randn(2, 6, 3, 4)
    expected = affine.scale[:, None, None] * y + affine.shift[:, None, None]
    assert torch.allclose(affine(y), expected)


def test_starts_near_the_identity():
    torch.manual_seed(0)
    affine = ScaleShift(10_000)
    assert affine.scale.mean().item() == pytest.approx(1, abs=1e-3)
    assert affine.shift.mean().item() == pytest.approx(0, abs=1e-3)
    for values in (affine.scale, affine.shift):
        assert values.std().item() == pytest.approx(0.02, rel=0.05)


@pytest.mark.parametrize(
    ("operation", "x", "dim"),
    [
        (nn.Linear(5, 6), torch.randn(2, 3, 5), -1),
        (nn.LayerNorm(6), torch.randn(2, 3, 6), -1),
        (nn.Conv2d(3, 6, 2), torch.randn(2, 3, 4, 4), -3),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_operation_takes_up_its_scale_and_shift(operation, x, dim):
    affine = ScaleShift(6, dim)
    with torch.no_grad():
        expected = affine(operation(x))
        affine.merge_into(operation)
        assert relative_error(operation(x), expected) < 1e-6


def test_the_neck_is_changed_on_request_and_cannot_merge():
    images, _ = small_batch()
    model = adapted("ssf", neck=True)
    assert len(model.adapter.affines) == len(adapted("ssf").adapter.affines) + 4
    assert relative_error(model.encode(images).image, adapted("ssf").encode(images).image) > 1e-3
    with user_error("SSF", "neck"):
        model.merge()

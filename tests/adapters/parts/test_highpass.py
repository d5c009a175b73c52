import math

import pytest
import torch
from golden_case import golden, relative_error
from hypothesis import given, settings, strategies as st
from torch import Tensor
from torch.fft import fft2, fftshift, ifft2, ifftshift

from samfit.adapters.parts.highpass import high_frequency

AXES = (-2, -1)


@golden("cad_highpass")
def test_equals_the_official_extractor(case):
    found = {name: high_frequency(case.inputs[name]) for name in case.config["shapes"]}
    case.check(found | {"even_tau2": high_frequency(case.inputs["even"], case.config["tau2"])})


def by_definition(images: Tensor, ratio: float) -> Tensor:
    """The definition with a shifted spectrum, one row and column at a time."""
    height, width = images.shape[-2:]
    half = math.floor(math.sqrt(height * width * ratio) / 2)
    spectrum = fftshift(fft2(images, norm="forward"), dim=AXES)
    for row in range(height):
        for column in range(width):
            if -half <= row - height // 2 < half and -half <= column - width // 2 < half:
                spectrum[..., row, column] = 0
    return ifft2(ifftshift(spectrum, dim=AXES), norm="forward").real.abs()


@settings(deadline=None, max_examples=40)
@given(
    height=st.integers(1, 12),
    width=st.integers(1, 12),
    ratio=st.floats(0, 1),
    seed=st.integers(0, 99),
)
def test_equals_the_definition_for_any_shape_and_ratio(height, width, ratio, seed):
    generator = torch.Generator().manual_seed(seed)
    images = torch.rand(2, 3, height, width, dtype=torch.float64, generator=generator)
    ours, reference = high_frequency(images, ratio), by_definition(images, ratio)
    torch.testing.assert_close(ours, reference, rtol=0, atol=1e-13)


@pytest.mark.parametrize(
    ("height", "width", "half"),
    [
        (512, 512, 128),
        (1024, 1024, 256),
        (384, 512, 110),
        (640, 480, 138),
        (500, 333, 102),
        (97, 131, 28),
    ],
)
def test_half_side_of_the_removed_square(height, width, half):
    # The spectrum of an impulse is flat: at its place the rest is the share of bins that is kept.
    impulse = torch.zeros(1, 1, height, width, dtype=torch.float64)
    impulse[..., 0, 0] = 1
    kept = high_frequency(impulse)[..., 0, 0].item()
    assert (1 - kept) * height * width == pytest.approx((2 * half) ** 2)


@pytest.mark.parametrize("size", [(64, 64), (48, 80), (15, 11)])
def test_a_constant_image_gives_zero(size):
    assert high_frequency(torch.full((1, 3, *size), 200.0)).max() < 1e-4


def test_ratio_zero_keeps_the_image_and_one_removes_it():
    image = torch.rand(1, 3, 16, 16)
    assert relative_error(high_frequency(image, 0.0), image) < 1e-6
    assert high_frequency(image, 1.0).max() == 0


@pytest.mark.parametrize("dtype", [torch.uint8, torch.bfloat16, torch.float16])
def test_low_precision_images_are_computed_in_float32(dtype):
    image = torch.randint(0, 256, (1, 3, 16, 16)).to(dtype)
    assert torch.equal(high_frequency(image), high_frequency(image.float()))

"""What a look at a mask counts."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from samfit.harness.data.masks.look import look

BLOCKS = np.kron([[1, 0, 1], [0, 2, 0], [3, 0, 0]], np.ones((4, 4))).astype(np.uint8)
DISC = (np.hypot(*np.mgrid[-32:32, -32:32]) < 20).astype(float)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int64, np.float32])
def test_values_and_the_regions_that_they_form(dtype):
    found = look(BLOCKS.astype(dtype))
    assert found.pixels == {0: 80, 1: 32, 2: 16, 3: 16}
    assert (found.regions, found.alone) == (3, 2)  # 1 is in two places
    assert not found.touching  # but at corners
    assert look(np.maximum(BLOCKS, np.roll(BLOCKS, 2, 1)).astype(dtype)).touching
    assert not found.fractions
    assert found.numbers


def test_regions_below_0_count_as_well():
    found = look(np.where(BLOCKS == 2, -5, BLOCKS.astype(int)))
    assert (found.regions, found.alone) == (3, 2)


def test_large_masks_are_looked_at_in_a_smaller_copy():
    found = look(np.kron(BLOCKS, np.ones((128, 128), np.uint8)))
    assert (found.regions, found.alone) == (3, 2)
    assert found.pixels[1] == 32 * 128**2


@pytest.mark.parametrize("turned", [False, True])
def test_edges_that_were_smeared_are_slopes_and_regions_are_not(turned):
    smeared = np.round(gaussian_filter(DISC, 1) * 255).astype(np.uint8)
    found = look(np.rot90(smeared) if turned else smeared)
    assert found.between > 100
    assert found.slopes > 0.95 * found.between
    lines = np.kron(np.array([0, 2, 0, 1, 0, 3] * 8), np.ones((48, 1), int))  # of one pixel
    found = look(lines.T if turned else lines)
    assert (found.between, found.slopes) == (46 * 16, 0)


def test_where_black_meets_white_is_counted_in_lossy_masks():
    edge = np.repeat(np.uint8([[0] * 20 + [100, 150] + [255] * 20]), 40, 0)
    found = look(edge, lossy=True)
    assert (found.between, found.slopes, found.meetings) == (76, 76, 76)
    assert look(edge).meetings == 0
    band = np.repeat(np.uint8([[0] * 20 + [128] * 10 + [255] * 20]), 40, 0)
    found = look(band, lossy=True)
    assert (found.between, found.slopes, found.meetings) == (380, 0, 0)


def test_colours_and_what_is_no_number():
    assert look(np.uint8([[[255, 0, 0], [0, 0, 1]]])).pixels == {0xFF0000: 1, 1: 1}
    assert look(np.array([[0.25, 1.0]])).fractions
    assert not look(np.array([[np.nan, 1.0]])).numbers
    assert look(np.array([[True, False]])).values == {0, 1}


@pytest.mark.parametrize("shape", [(1, 4), (4, 1), (2, 2), (1, 1), (3, 3)])
def test_the_smallest_masks(shape):
    assert sum(look(np.arange(np.prod(shape)).reshape(shape)).pixels.values()) == np.prod(shape)

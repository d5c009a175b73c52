"""What a mask holds is counted right, at its own size and at that of SAM's input."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.ndimage import label

from samfit.harness.data.measured import measure


def test_a_large_a_small_and_a_thin_object():
    mask = np.zeros((1000, 800), np.uint8)
    mask[100:400, 100:400] = 1
    mask[801, 500] = 1
    mask[700:701, 300:600] = 1
    at_64, at_1024 = measure(mask, 1, 64), measure(mask, 1, 1024)
    assert (at_64.objects, at_64.vanished) == (3, 2)
    assert (at_1024.objects, at_1024.vanished) == (3, 0)
    assert at_64.foreground == at_1024.foreground == 90_000 + 1 + 300
    assert 300 < at_64.thin < 20_000  # the line, the point, and the square's edge
    assert at_1024.thin < at_64.thin


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 90), st.integers(1, 90), st.floats(0, 1), st.integers(0, 9))
def test_counts_agree_with_another_library(height, width, share, seed):
    mask = (np.random.default_rng(seed).random((height, width)) < share).astype(np.uint8)
    found = measure(mask, 1, 96)
    assert found.of_class == (mask.size - mask.sum(), mask.sum())
    assert found.objects == label(mask, np.ones((3, 3)))[1]
    assert found.vanished == 0
    assert 0 <= found.thin <= mask.size


@pytest.mark.parametrize("side", [16, 64, 500])
def test_ids_vanish_if_no_pixel_of_theirs_is_left(side):
    mask = np.zeros((2, 128, 128), np.int32)
    mask[0, :64] = 1
    mask[0, 100:103, 5:90] = 2
    mask[1, 30:90, 30:90] = 70_000
    mask[1, 1, 1] = 4
    found = measure(mask, 1, side)
    rows = ((np.arange(side) + 0.5) * 128 / side).astype(int)
    left = {*np.unique(mask[:, rows][:, :, rows]).tolist()} - {0}
    assert (found.objects, found.vanished) == (4, 4 - len(left))
    assert found.foreground == (mask > 0).any(0).sum()


def test_classes_are_counted_apart_and_unlabelled_pixels_not_at_all():
    mask = np.repeat(np.uint8([0, 1, 2, 255]), 25).reshape(10, 10)
    found = measure(mask, 4, 64)
    assert found.of_class == (25, 25, 25, 0)
    assert (found.objects, found.vanished) == (2, 0)

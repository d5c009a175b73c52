"""Different values are found and replaced as numpy would, whatever the type and the order."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from samfit.harness.data.masks.distinct import distinct, mapped, narrow, packed

TYPES = [np.bool_, np.uint8, np.uint16, np.int16, np.int32, np.int64, np.uint64, np.float32]


@settings(deadline=None, max_examples=80)
@given(
    dtype=st.sampled_from(TYPES),
    top=st.sampled_from([1, 3, 255, 300, 70_000, 2**40]),
    low=st.sampled_from([0, -4]),
    turned=st.booleans(),
    seed=st.integers(0, 99),
)
def test_they_are_those_of_numpy(dtype, top, low, turned, seed):
    picture = np.random.default_rng(seed).integers(low, top + 1, (7, 9)).astype(dtype)
    picture = np.repeat(picture, 3, 1)  # in runs
    values = np.rot90(picture)[::-1] if turned else picture
    found, counts = distinct(values)
    expected, of_each = np.unique(values, return_counts=True)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(counts, of_each)
    for made in (np.uint8, np.int32):
        place = mapped(values, lambda each, made=made: np.arange(len(each)).astype(made))
        np.testing.assert_array_equal(expected[place], values)
        assert place.dtype == made


@pytest.mark.parametrize("values", [[0.0, 0.5], [-1, 3], [0, 65536], [0.0, np.nan], [np.inf, 0.0]])
def test_values_that_16_bits_do_not_hold_stay(values):
    assert narrow(np.array([values])).dtype == np.array(values).dtype


def test_colours_are_a_number_each():
    colours = np.array([[[1, 2, 3], [255, 0, 16]]])
    for dtype in (np.uint8, np.dtype(">u1")):
        assert packed(colours.astype(dtype)).tolist() == [[0x010203, 0xFF0010]]
    assert packed(colours.astype(np.uint16)).tolist() == [[0x000100020003, 0x00FF00000010]]

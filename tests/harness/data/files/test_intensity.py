"""Values of any range and channels become RGB, and what does not fit is refused."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from user_error import user_error

from samfit.harness.data.files.fault import PictureError
from samfit.harness.data.files.intensity import (
    Intensity,
    check_range,
    parsed_channels,
    parsed_range,
    to_pixels,
)

PLANE = np.arange(12, dtype=np.uint8).reshape(3, 4)


def test_8_bits_stay_as_they_are():
    pixels = to_pixels(PLANE, Intensity())
    np.testing.assert_array_equal(pixels, np.dstack([PLANE] * 3))
    assert to_pixels(np.array([[False, True]]), Intensity())[0, :, 0].tolist() == [0, 255]


@settings(max_examples=50, deadline=None)
@given(
    arrays(
        st.sampled_from([np.uint8, np.uint16, np.int16, np.int32, np.float32, np.float64]),
        array_shapes(min_dims=2, max_dims=2, max_side=4),
        elements=st.integers(0, 120),
    ),
    st.integers(-50, 50),
    st.integers(1, 100),
)
def test_a_range_is_mapped_evenly_and_cut(values, low, width):
    found = to_pixels(values, Intensity(low=low, high=low + width))[..., 0].astype(int)
    exact = (values.astype(float) - low) * 255 / width
    assert np.abs(found - exact.clip(0, 255)).max() <= 0.5 + 1e-3


def test_what_is_not_a_number_is_black():
    values = np.array([[np.nan, 1.0]])
    assert to_pixels(values, Intensity(high=1.0))[0, :, 0].tolist() == [0, 255]


@pytest.mark.parametrize(
    ("count", "chosen", "expected"),
    [
        (1, (), [0, 0, 0]),
        (2, (), [0, 1, None]),
        (3, (), [0, 1, 2]),
        (5, (), [0, 1, 2]),
        (5, (4, 0, 2), [4, 0, 2]),
        (5, (3,), [3, 3, 3]),
    ],
)
def test_channels_become_three(count, chosen, expected):
    values = np.broadcast_to(np.arange(1, count + 1, dtype=np.uint8), (2, 2, count))
    pixels = to_pixels(values, Intensity(channels=chosen))
    assert pixels[0, 0].tolist() == [0 if index is None else index + 1 for index in expected]


def test_a_channel_that_there_is_not_is_named():
    with pytest.raises(PictureError, match=r"3 channels.*--channels.*number 3"):
        to_pixels(np.zeros((2, 2, 3), np.uint8), Intensity(channels=(0, 1, 3)))


@pytest.mark.parametrize("text", ["", "5", "5:", "9:2", "3:3", "a:b", "0:inf"])
def test_what_is_no_range_is_refused(text):
    with user_error("--intensity takes LOW:HIGH", repr(text)):
        parsed_range(text)


def test_a_range_and_channels():
    assert parsed_range("-100:3e2") == (-100, 300)
    assert parsed_channels("") == ()
    assert parsed_channels("2,0, 1") == (2, 0, 1)
    for text in ("1,2", "a", "-1", "1,2,3,4"):
        with user_error("--channels", repr(text)):
            parsed_channels(text)


@pytest.mark.parametrize(
    ("values", "intensity"),
    [
        (np.array([[0, 4095]], np.uint16), Intensity()),
        (np.array([[0, 255]], np.uint8), Intensity(low=700, high=2000)),
        (np.array([[0.0, 1.0]]), Intensity(low=700, high=2000)),
    ],
)
def test_another_range_than_that_of_the_training_is_refused(values, intensity):
    with pytest.raises(PictureError, match=r"holds values from 0 to .* training images"):
        check_range(values, intensity)


def test_the_same_range_is_not():
    check_range(PLANE, Intensity())
    check_range(np.array([[0, 200]], np.uint16), Intensity())
    check_range(np.array([[800, 4095]], np.uint16), Intensity(low=700, high=2000))

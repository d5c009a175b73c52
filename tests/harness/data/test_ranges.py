"""Which values become black and white is decided by the training set, and said."""

import numpy as np
import pytest
from data_sets import discs, folders, photograph, write
from user_error import user_error

import samfit

MASKS = [discs(str(index)) for index in range(3)]


def times(kind, factor, offset=0):
    """Images of another type and range."""

    def image(mask, name):
        return photograph(mask, name, channels=1).astype(kind) * kind(factor) + kind(offset)

    return image


def opened(root, image, suffix=".tif", **options):
    folders(root, MASKS, image_suffix=suffix, image=image)
    return samfit.open_data(root, **options)


@pytest.mark.parametrize(
    ("image", "low", "high"),
    [
        (times(np.uint16, 16), 60 * 16, 190 * 16),
        (times(np.uint16, 257), 60 * 257, 190 * 257),
        (times(np.int16, 10, -1000), -400, 900),
        (times(np.float32, 3.5), 210, 665),
    ],
)
def test_it_is_nearly_all_values_of_the_training_set(tmp_path, image, low, high):
    data = opened(tmp_path, image)
    width = high - low
    assert low <= data.intensity.low <= low + 0.1 * width
    assert high - 0.3 * width <= data.intensity.high <= high
    (remark,) = [each for each in data.remarks if "--intensity" in each]
    assert f"{data.intensity.low:g} to {data.intensity.high:g}" in remark


def test_shares_and_bytes_keep_their_range(tmp_path):
    shares = opened(tmp_path / "a", times(np.float32, 1 / 255))
    assert (shares.intensity.low, shares.intensity.high) == (0, 1)
    in_16 = opened(tmp_path / "b", times(np.uint16, 1))
    assert in_16.intensity.is_of_bytes
    assert not [each for each in in_16.remarks if "--intensity" in each]


def test_the_user_may_say_it(tmp_path):
    data = opened(tmp_path, times(np.uint16, 16), intensity="0:4095", channels="0")
    assert (data.intensity.low, data.intensity.high, data.intensity.channels) == (0, 4095, (0,))


def test_bytes_among_others_are_refused(tmp_path):
    folders(tmp_path, MASKS, image_suffix=".tif", image=times(np.uint16, 16))
    write(tmp_path / "images" / "0.tif", photograph(MASKS[0], "0", channels=1))
    with user_error("1 of 3 images have 8 bits", "--intensity"):
        samfit.open_data(tmp_path)


@pytest.mark.parametrize(
    ("trained", "others"),
    [
        (times(np.uint8, 1), times(np.uint16, 16)),
        (times(np.uint8, 1), times(np.float32, 1 / 255)),
        (times(np.uint16, 200), times(np.uint8, 1)),
        (times(np.uint16, 200), times(np.float32, 1 / 255)),
    ],
)
def test_other_images_than_those_of_the_training_are_refused(tmp_path, trained, others):
    intensity = opened(tmp_path / "a", trained).intensity
    folders(tmp_path / "b", MASKS, image_suffix=".tif", image=others)
    with user_error("0.tif", "those of the training images"):
        samfit.open_data(tmp_path / "b", trained_on=intensity)
    for split, image in (("train", trained), ("test", others)):
        folders(tmp_path / "c" / split, MASKS, image_suffix=".tif", image=image)
    with user_error("test", "those of the training images"):
        samfit.open_data(tmp_path / "c")


def test_channels_are_counted_and_told(tmp_path):
    def five(mask, name):
        return np.repeat(photograph(mask, name, channels=1)[..., None], 5, axis=2)

    data = opened(tmp_path / "a", five, suffix=".npy")
    assert any("5 channels: the first three" in each for each in data.remarks)
    other = opened(tmp_path / "b", five, suffix=".npy", channels="4,1,0")
    assert not any("the first three" in each for each in other.remarks)
    write(tmp_path / "a" / "images" / "0.npy", photograph(MASKS[0], "0"))
    with user_error("3 or 5 channels", "--channels"):
        samfit.open_data(tmp_path / "a")


def one(tmp_path, image):
    """The data set of a single image, of 200 x 200 pixels or more."""
    write(tmp_path / "images" / "a.tif", image)
    write(tmp_path / "masks" / "a.png", discs("a", side=len(image)) * np.uint8(255))
    return samfit.open_data(tmp_path)


def test_all_channels_count(tmp_path):
    """Of 30,000 values of a pixel's three channels, every third is of the same one."""
    image = np.zeros((1000, 1000, 3), np.uint16)
    image[..., 0], image[..., 1], image[..., 2] = 1000, 30_000, 4000
    image[:500] += 500
    data = one(tmp_path, image)
    assert data.intensity.low < 1100
    assert data.intensity.high > 30_000


def test_a_single_value_above_255_is_seen(tmp_path):
    image = np.full((300, 300), 40, np.uint16)
    image[7, 7], image[200:] = 4000, 90
    assert not one(tmp_path, image).intensity.is_of_bytes


def test_what_is_no_number_is_said_and_black(tmp_path):
    image = np.linspace(-1000, 1000, 300 * 300, dtype=np.float32).reshape(300, 300)
    image[3, 3], image[4, 4], image[5, 5] = np.nan, np.inf, -np.inf
    data = one(tmp_path, image)
    assert any("no numbers" in remark for remark in data.remarks)
    pixels, _ = data.train[0].read()
    assert [pixels[place, place, 0] for place in (3, 4, 5)] == [0, 255, 0]

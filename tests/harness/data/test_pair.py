"""Pairs of files: what is foreground, which classes there are, and whether sizes agree."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image, ImageFilter
from user_error import user_error

from samfit.harness.data.pair import Pair, read_image, read_mask

LYING = 6  # EXIF: the photograph was stored on its side
UPSIDE_DOWN = 3

small = array_shapes(min_dims=2, max_dims=2, max_side=7)


def save(path, values, **options):
    Image.fromarray(np.asarray(values)).save(path, **options)
    return path


def exif(orientation):
    data = Image.Exif()
    data[0x0112] = orientation
    return data


@settings(deadline=None)
@given(shape=arrays(bool, small), white=st.sampled_from([True, 1, 255, 65535]))
def test_a_binary_mask_is_read_whatever_its_white(tmp_path_factory, shape, white):
    kind = np.min_scalar_type(white)
    file = save(tmp_path_factory.mktemp("mask") / "a.png", shape.astype(kind) * kind.type(white))
    mask = read_mask(file, classes=1)
    assert mask.dtype == np.uint8
    np.testing.assert_array_equal(mask, shape)


def test_a_mask_of_one_bit(tmp_path):
    file = save(tmp_path / "a.png", np.eye(3, dtype=bool))
    np.testing.assert_array_equal(read_mask(file, classes=1), np.eye(3))


def test_the_smeared_edges_of_a_jpeg_are_cut_at_half(tmp_path):
    disc = np.hypot(*np.mgrid[-32:32, -32:32]) < 20
    file = save(tmp_path / "a.jpg", (disc * 255).astype(np.uint8), quality=60)
    assert len(np.unique(Image.open(file))) > 10
    mask = read_mask(file, classes=1)
    assert set(np.unique(mask)) == {0, 1}
    assert (mask == disc).mean() > 0.99


@pytest.mark.parametrize("levels", [[0, 127, 128, 255], [0, 32767, 32768, 65535]])
def test_half_is_where_foreground_begins(tmp_path, levels):
    file = save(tmp_path / "a.png", np.array([levels], dtype=np.min_scalar_type(levels[-1])))
    assert read_mask(file, classes=1).tolist() == [[0, 0, 1, 1]]


@settings(deadline=None)
@given(
    values=arrays(np.uint8, small, elements=st.sampled_from([*range(12), 255])),
    mode=st.sampled_from(["L", "P", "RGB", "RGBA", "I;16"]),
)
def test_class_indices_survive(tmp_path_factory, values, mode):
    image = Image.fromarray(values)
    if mode == "I;16":
        image = Image.fromarray(values.astype(np.uint16))
    elif mode == "P":
        image.putpalette(range(255, -1, -1))
    else:
        image = image.convert(mode)
    file = tmp_path_factory.mktemp("mask") / "a.png"
    image.save(file)
    mask = read_mask(file, classes=12)
    assert mask.dtype == np.uint8
    np.testing.assert_array_equal(mask, values)


@pytest.mark.parametrize("index", [3, 254, 256, 800])
def test_a_class_that_there_is_not_is_refused(tmp_path, index):
    file = save(tmp_path / "a.png", np.array([[0, 1, index]], dtype=np.uint16))
    with user_error("a.png", f"class {index}", "--classes 3", "0 to 2"):
        read_mask(file, classes=3)


def test_a_jpeg_holds_no_class_indices(tmp_path):
    file = save(tmp_path / "a.jpg", np.zeros((8, 8), dtype=np.uint8))
    with user_error("a.jpg", "JPEG", "PNG"):
        read_mask(file, classes=3)


@pytest.fixture
def pair(tmp_path):
    """Makes a pair of a photograph (4 rows, 6 columns, its first row red) and a mask."""

    def make(orientation, mask, mask_orientation=1):
        photo = np.zeros((4, 6, 3), dtype=np.uint8)
        photo[0] = [255, 0, 0]
        image = save(tmp_path / "a.png", photo, exif=exif(orientation))
        label = save(
            tmp_path / "b.png", np.asarray(mask, dtype=np.uint8), exif=exif(mask_orientation)
        )
        return Pair(image, label, "a", classes=1)

    return make


def test_a_pair_as_stored(pair):
    image, mask = pair(1, np.ones((4, 6))).read()
    assert (image.shape, mask.shape) == ((4, 6, 3), (4, 6))
    assert image.dtype == mask.dtype == np.uint8
    assert (image[0] == [255, 0, 0]).all()
    assert not image[1:].any()


def test_an_image_is_turned_as_exif_says_and_a_mask_without_exif_is_not(pair):
    image, mask = pair(LYING, np.eye(6, 4)).read()
    assert (image[:, -1] == [255, 0, 0]).all()
    np.testing.assert_array_equal(mask, np.eye(6, 4))
    np.testing.assert_array_equal(image, read_image(pair(LYING, np.eye(6, 4)).image))


def test_a_mask_that_was_drawn_on_the_image_as_stored_keeps_it_so(pair):
    image, _ = pair(LYING, np.ones((4, 6))).read()
    assert (image[0] == [255, 0, 0]).all()


def test_a_mask_with_its_own_exif_is_turned_as_well(pair):
    image, mask = pair(UPSIDE_DOWN, np.eye(4, 6), mask_orientation=UPSIDE_DOWN).read()
    assert (image[-1] == [255, 0, 0]).all()
    np.testing.assert_array_equal(mask, np.eye(4, 6)[::-1, ::-1])


def test_sizes_that_differ_are_named(pair):
    with user_error("a.png", "6 x 4", "b.png", "3 x 2"):
        pair(1, np.ones((2, 3))).read()


@pytest.mark.parametrize("damaged", ["a.png", "b.png"])
def test_a_damaged_file_is_named(pair, tmp_path, damaged):
    whole = pair(1, np.ones((4, 6)))
    (tmp_path / damaged).write_bytes(b"\x89PNG")
    with user_error(damaged, "damaged"):
        whole.read()


def test_names_with_spaces_and_letters_of_any_alphabet(tmp_path):
    image = save(tmp_path / "un été à la plage 海.png", np.zeros((2, 2, 3), dtype=np.uint8))
    assert read_image(image).shape == (2, 2, 3)


def test_a_mask_whose_edges_were_smoothed(tmp_path):
    smooth = Image.fromarray(np.eye(9, dtype=np.uint8) * 255).filter(ImageFilter.BoxBlur(1))
    smooth.save(tmp_path / "a.png")
    assert set(np.unique(read_mask(tmp_path / "a.png", classes=1))) <= {0, 1}

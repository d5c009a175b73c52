"""Pairs of files: an image and its mask are turned alike, and their sizes agree."""

import numpy as np
import pytest
from PIL import Image
from user_error import user_error

from samfit.harness.data.dataset import open_folder
from samfit.harness.data.files.intensity import Intensity
from samfit.harness.data.pair import read_image

LYING = 6  # EXIF: the photograph was stored on its side
UPSIDE_DOWN = 3


def save(path, values, orientation=1):
    path.parent.mkdir(exist_ok=True)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(np.asarray(values, np.uint8)).save(path, exif=exif)
    return path


@pytest.fixture
def pair(tmp_path):
    """Makes a pair of a photograph (4 rows, 6 columns, its first row red) and a mask."""

    def make(orientation, mask, mask_orientation=1):
        photo = np.zeros((4, 6, 3))
        photo[0] = [255, 0, 0]
        save(tmp_path / "images/a.png", photo, orientation)
        save(tmp_path / "masks/a.png", mask, mask_orientation)
        (found,) = open_folder(tmp_path).train
        return found

    return make


def test_a_pair_as_stored(pair):
    found = pair(1, np.ones((4, 6)))
    image, mask = found.read()
    assert (image.shape, mask.shape, found.size) == ((4, 6, 3), (4, 6), (4, 6))
    assert image.dtype == mask.dtype == np.uint8
    assert (image[0] == [255, 0, 0]).all()
    assert not image[1:].any()


def test_an_image_is_turned_as_exif_says_and_a_mask_without_exif_is_not(pair, tmp_path):
    found = pair(LYING, np.eye(6, 4))
    image, mask = found.read()
    assert found.size == (6, 4)
    assert (image[:, -1] == [255, 0, 0]).all()
    np.testing.assert_array_equal(mask, np.eye(6, 4))
    np.testing.assert_array_equal(image, read_image(tmp_path / "images/a.png", Intensity()))


def test_a_mask_that_was_drawn_on_the_image_as_stored_keeps_it_so(pair):
    image, _ = pair(LYING, np.eye(4, 6)).read()
    assert (image[0] == [255, 0, 0]).all()


def test_a_mask_with_its_own_exif_is_turned_as_well(pair):
    image, mask = pair(UPSIDE_DOWN, np.eye(4, 6), mask_orientation=UPSIDE_DOWN).read()
    assert (image[-1] == [255, 0, 0]).all()
    np.testing.assert_array_equal(mask, np.eye(4, 6)[::-1, ::-1])


def test_sizes_that_differ_are_named(pair):
    with user_error("images/a.png", "6 x 4", "masks/a.png", "3 x 2"):
        pair(1, np.eye(2, 3))


@pytest.mark.parametrize("damaged", ["images/a.png", "masks/a.png"])
def test_a_damaged_file_is_named(pair, tmp_path, damaged):
    whole = pair(1, np.eye(4, 6))
    (tmp_path / damaged).write_bytes(b"\x89PNG")
    with user_error(damaged, "damaged"):
        whole.read()


def test_names_with_spaces_and_letters_of_any_alphabet(tmp_path):
    image = save(tmp_path / "un été à la plage 海.png", np.zeros((2, 2, 3)))
    assert read_image(image, Intensity()).shape == (2, 2, 3)


def test_a_stack_is_no_image(tmp_path):
    pages = [Image.new("L", (4, 4)) for _ in range(3)]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    with user_error("a.tif has 3 pages"):
        read_image(tmp_path / "a.tif", Intensity())

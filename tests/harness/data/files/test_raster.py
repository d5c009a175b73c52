"""What EXIF turns can be turned back."""

import numpy as np
import pytest
from PIL import Image, ImageOps

from samfit.harness.data.files.raster import Raster, as_stored
from samfit.harness.data.files.read import probe, read_pixels
from samfit.harness.data.source import Source

VALUES = np.random.default_rng(0).integers(0, 256, (4, 6, 3), dtype=np.uint8)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_it_is_turned_as_pillow_does_and_back(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = tmp_path / "a.png"
    Image.fromarray(VALUES).save(file, exif=exif)
    raster = read_pixels(Source(file))
    assert raster.orientation == orientation
    with Image.open(file) as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
    np.testing.assert_array_equal(raster.upright(), expected)
    np.testing.assert_array_equal(as_stored(raster.upright(), orientation), VALUES)
    assert probe(Source(file)).upright_size == expected.shape[:2]


def test_what_has_no_orientation_stays():
    assert Raster(VALUES).upright() is not None
    np.testing.assert_array_equal(Raster(VALUES).upright(), VALUES)

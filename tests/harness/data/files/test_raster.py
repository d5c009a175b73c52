"""What EXIF turns can be turned back."""

import numpy as np
import pytest
from PIL import Image, ImageOps

from samfit.harness.data.files.raster import Raster, as_stored
from samfit.harness.data.files.read import probe, read_pixels, read_values
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


@pytest.mark.parametrize("mode", ["L", "P", "RGB", "RGBA", "CMYK"])
@pytest.mark.parametrize("compression", [None, "tiff_lzw"])
def test_pages_of_tiff_are_turned_once_whoever_reads_them(tmp_path, mode, compression):
    image = Image.fromarray(VALUES[..., 0])
    if mode == "P":
        image.putpalette([level // 3 for level in range(768)])
    else:
        image = image.convert(mode)
    file = tmp_path / "a.tif"
    image.save(file, compression=compression, tiffinfo={0x0112: 6})
    for read in (read_pixels, read_values):
        raster = read(Source(file))
        assert raster.orientation == probe(Source(file)).orientation == 6
        assert raster.values.shape[:2] == (4, 6)
        assert raster.upright().shape[:2] == probe(Source(file)).upright_size == (6, 4)

"""What could be read in another way is said."""

import numpy as np
import tifffile
from data_sets import discs, write

import samfit

MASK = discs("a")


def test_channels_in_pages_without_names(tmp_path):
    write(tmp_path / "images/a.tif", np.stack([MASK * np.uint8(9)] * 4))
    write(tmp_path / "masks/a.tif", MASK)
    data = samfit.open_data(tmp_path)
    assert any("1 images have pages that nobody named" in each for each in data.remarks)
    assert data.train[0].read()[0].shape == (*MASK.shape, 3)


def test_pictures_of_other_sizes(tmp_path):
    (tmp_path / "images").mkdir()
    with tifffile.TiffWriter(tmp_path / "images/a.tif") as file:
        file.write(MASK * np.uint8(9))
        file.write(MASK[::4, ::4] * np.uint8(9))
    write(tmp_path / "masks/a.tif", MASK)
    remarks = samfit.open_data(tmp_path).remarks
    assert any("1 files hold pictures of other sizes" in each for each in remarks)


def test_slices_of_a_volume(tmp_path):
    volume = np.stack([MASK] * 5)
    write(tmp_path / "imgs/a.npy", volume * np.int16(100))
    write(tmp_path / "gts/a.npy", volume)
    data = samfit.open_data(tmp_path)
    assert len(data.train) == 5
    assert any("slices along axis 0 of (5, 48, 48); --axis" in each for each in data.remarks)
    assert len(samfit.open_data(tmp_path, axis=2).train) == 48

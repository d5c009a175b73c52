"""NumPy archives that hold an image, a mask, or both."""

import numpy as np
import pytest
from listed import listed, put
from user_error import user_error

from samfit.harness.data.source import Source

SMALL = np.zeros((2, 2), np.uint8)


def archive(path, *names):
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **dict.fromkeys(names, SMALL))
    return path


@pytest.mark.parametrize(
    ("image", "mask", "more"),
    [("image", "label", ()), ("imgs", "gts", ("spacing",)), ("img", "gt", ()), ("X", "Y", ())],
)
def test_an_archive_holds_an_image_and_its_mask(tmp_path, image, mask, more):
    paths = [archive(tmp_path / f"case_{n}.npz", image, mask, *more) for n in (1, 2)]
    listing = listed(tmp_path)
    assert [files.name for files in listing.splits["train"]] == ["case_1", "case_2"]
    for path, files in zip(paths, listing.splits["train"], strict=True):
        assert files.image == Source(path, key=image)
        assert files.masks == (Source(path, key=mask),)
    assert f"images and masks are the arrays {image} and {mask} of each archive." in listing.remarks


def test_splits_are_folders_and_what_is_beside_is_said(tmp_path):
    archive(tmp_path / "train_npz" / "a.npz", "image", "label")
    archive(tmp_path / "val_npz" / "b.npz", "image", "label")
    put(tmp_path, "test_vol_h5/c.npy.h5")
    listing = listed(tmp_path)
    assert {split: len(pairs) for split, pairs in listing.splits.items()} == {"train": 1, "val": 1}
    assert "not used: 1 HDF5 file in test_vol_h5." in listing.remarks


def test_archives_of_one_array_lie_in_folders_of_images_and_masks(tmp_path):
    image = archive(tmp_path / "imgs" / "a.npz", "arr_0")
    mask = archive(tmp_path / "gts" / "a.npz", "arr_0")
    (files,) = listed(tmp_path).splits["train"]
    assert files.image == Source(image, key="arr_0")
    assert files.masks == (Source(mask, key="arr_0"),)


def test_archives_that_differ_are_named(tmp_path):
    archive(tmp_path / "a.npz", "image", "label")
    archive(tmp_path / "b.npz", "image", "other")
    with user_error("b.npz holds the arrays image, other", "mask"):
        listed(tmp_path)


def test_two_arrays_that_may_be_the_mask_are_named(tmp_path):
    archive(tmp_path / "a.npz", "image", "label", "mask")
    with user_error("a.npz holds the arrays image, label, mask"):
        listed(tmp_path)


def test_archives_of_something_else_are_no_data_set(tmp_path):
    archive(tmp_path / "a.npz", "weights", "bias")
    with user_error("1 NumPy archive file", "cannot tell"):
        listed(tmp_path)


def test_a_file_that_is_no_archive_is_named(tmp_path):
    with user_error("a.npz is damaged"):
        listed(put(tmp_path, "a.npz"))

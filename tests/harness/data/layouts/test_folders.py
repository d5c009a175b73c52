"""Folders of images and masks: the usual layouts are found without being named."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st
from user_error import user_error

from samfit.harness.data.layouts.layouts import list_files
from samfit.harness.data.layouts.words import IMAGES, MASKS
from samfit.harness.data.reading import Reading


def read_folders(root):
    return list_files(root, Reading())


def names(listing):
    return {split: [files.name for files in pairs] for split, pairs in listing.splits.items()}


@pytest.mark.parametrize(
    ("images", "masks"),
    [
        ("images", "masks"),
        ("Imgs", "GT"),
        ("image", "mask"),
        ("IMAGES", "Labels"),
        ("img", "Ground Truth"),
        ("Image", "GT_Object"),
        ("images", "ground_truth"),
        ("images", "Annotations"),
        ("train_images", "train_masks"),
        ("training/images", "training/label"),
        ("TrainDataset/Imgs", "TrainDataset/GT"),
        ("Images/Train", "GT/Train"),
        ("images/train2017", "annotations/train2017"),
        ("a/deep/path/to/images", "a/deep/path/to/masks"),
        ("images_512", "masks_512"),
    ],
)
def test_pairs_are_found_in(tree, images, masks):
    listing = read_folders(
        tree(f"{images}/x 1.png", f"{images}/y.png", f"{masks}/x 1.png", f"{masks}/y.tif")
    )
    (pairs,) = listing.splits.values()
    assert [Path(files.name).name for files in pairs] == ["x 1", "y"]
    assert not listing.remarks


@pytest.mark.parametrize("above", [True, False])
@pytest.mark.parametrize(
    "folders",
    [
        ("train", "val", "test"),
        ("Train", "Valid", "Test"),
        ("training", "validation", "testing"),
        ("TrainDataset", "ValDataset", "TestDataset"),
        ("train2017", "val2017", "test2017"),
        ("train_set", "val_set", "test_set"),
    ],
)
def test_splits_are_told_by_folders_above_or_below(tree, folders, above):
    for folder in folders:
        for role in ("images", "masks"):
            place = f"{folder}/{role}" if above else f"{role}/{folder}"
            root = tree(f"{place}/{folder}.png")
    assert names(read_folders(root)) == {
        split: [folder] for split, folder in zip(("train", "val", "test"), folders, strict=True)
    }


def test_a_split_is_never_taken_for_training_because_its_folder_says_more(tree):
    root = tree("images/train/a.png", "masks/train/a.png")
    tree("images/test_hard/b.png", "masks/test_hard/b.png")
    assert names(read_folders(root)) == {"train": ["a"], "test": ["test_hard/b"]}


def test_masks_without_splits_serve_every_split(tree):
    root = tree("Images/Train/a.png", "Images/Test/b.png", "GT/a.png", "GT/b.png")
    assert names(read_folders(root)) == {"train": ["a"], "test": ["b"]}


def test_images_without_split_are_for_training(tree):
    root = tree("images/a.png", "masks/a.png", "test/images/a.png", "test/masks/a.png")
    assert names(read_folders(root)) == {"train": ["a"], "test": ["a"]}


def test_several_test_sets_are_joined_and_remarked_upon(tree):
    for name in ("CAMO", "COD10K"):
        root = tree(f"TestDataset/{name}/Imgs/a.png", f"TestDataset/{name}/GT/a.png")
    listing = read_folders(root)
    assert names(listing) == {"test": ["CAMO/a", "COD10K/a"]}
    (remark,) = listing.remarks
    assert "TestDataset/CAMO (1)" in remark
    assert "--data" in remark


def test_one_of_several_test_sets_by_its_folder(tree):
    root = tree("TestDataset/CAMO/Imgs/a.png", "TestDataset/CAMO/GT/a.png")
    assert names(read_folders(root / "TestDataset" / "CAMO")) == {"train": ["a"]}


def test_folders_below_images_and_masks_are_one_set(tree):
    paths = [f"{role}/{city}/1.png" for role in ("images", "masks") for city in ("001", "Ulm")]
    listing = read_folders(tree(*paths))
    assert names(listing) == {"train": ["001/1", "Ulm/1"]}
    assert not listing.remarks


def test_a_split_without_any_masks_is_left_out_and_remarked_upon(tree):
    root = tree("train/images/a.png", "train/masks/a.png", "test/images/b.png", "test/images/c.png")
    listing = read_folders(root)
    assert names(listing) == {"train": ["a"]}
    (remark,) = listing.remarks
    assert remark == "test has images (2) but no masks, and is left out."


def test_rubbish_is_passed_over(tree):
    root = tree("images/a.png", "masks/a.png", "images/._a.png", ".cache/images/b.png")
    tree("overview.png", "GT_Edge/a.png", "images/.thumbs/a.png")
    for name in ("images/Thumbs.db", "images/.DS_Store", "masks/classes.txt", "README.md"):
        (root / name).write_text("rubbish")
    assert names(read_folders(root)) == {"train": ["a"]}


def test_links_are_followed_but_not_in_circles(tree, tmp_path):
    tree("photos/a.png", "masks/a.png", below="elsewhere")
    root = tmp_path / "data"
    root.mkdir()
    (root / "images").symlink_to(tmp_path / "elsewhere" / "photos")
    (root / "masks").symlink_to(tmp_path / "elsewhere" / "masks")
    (root / "again").symlink_to(root)
    assert names(read_folders(root)) == {"train": ["a"]}


def test_an_image_without_mask_is_named(tree):
    with user_error("images/b.png has no mask"):
        read_folders(tree("images/a.png", "images/b.png", "masks/a.png"))


def test_a_mask_without_image_is_named(tree):
    with user_error("masks/b.png has no image"):
        read_folders(tree("images/a.png", "masks/a.png", "masks/b.png"))


@pytest.mark.parametrize(
    ("paths", "holds"),
    [
        ([], "cannot tell"),
        (["a.png", "b.png"], "cannot tell"),
        (["images/a.png", "images/b.png"], "images (2) but no masks"),
        (["masks/a.png"], "masks (1) but no images"),
    ],
)
def test_a_folder_with_nothing_usable_says_what_was_looked_for(tree, tmp_path, paths, holds):
    tree(*paths)
    with user_error(str(tmp_path), holds, "images and masks", "train.csv"):
        read_folders(tmp_path)


def test_a_folder_that_cannot_be_read_is_not_passed_over(tree, monkeypatch):
    root = tree("images/a.png", "masks/a.png", "images/secret/b.png")
    scan = os.scandir

    def refuse(path):
        if "secret" in str(path):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with user_error("secret cannot be read: Permission denied"):
        read_folders(root)


stems = st.text("abcXYZ019 _-.é海", min_size=1).map(lambda stem: f"a{stem}z")


@settings(deadline=None, max_examples=30)
@given(
    stems=st.sets(stems, min_size=1, max_size=5),
    images=st.sampled_from(IMAGES),
    masks=st.sampled_from(MASKS),
    split=st.sampled_from(["train", "val", "test"]),
    above=st.booleans(),
    capital=st.booleans(),
)
def test_any_stems_in_any_layout_are_matched_whole(
    tmp_path_factory, stems, images, masks, split, above, capital
):
    root = tmp_path_factory.mktemp("data")
    for role, ending in ((images, ".jpg"), (masks, ".png")):
        named = role.capitalize() if capital else role
        folder = root / (f"{split}/{named}" if above else f"{named}/{split}")
        folder.mkdir(parents=True)
        for stem in stems:
            (folder / f"{stem}{ending}").touch()
    assert names(read_folders(root)) == {split: sorted(stems)}

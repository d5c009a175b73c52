"""Folders of images and masks: the usual layouts are found without being named."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st
from listed import below, listed, put
from user_error import user_error

from samfit.harness.data.layouts.words import IMAGES, MASKS


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
    listing = listed(
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
    assert names(listed(root)) == {
        split: [folder] for split, folder in zip(("train", "val", "test"), folders, strict=True)
    }


def test_a_split_is_never_taken_for_training_because_its_folder_says_more(tree):
    root = tree("images/train/a.png", "masks/train/a.png")
    tree("images/test_hard/b.png", "masks/test_hard/b.png")
    assert names(listed(root)) == {"train": ["a"], "test": ["test_hard/b"]}


def test_masks_without_splits_serve_every_split(tree):
    root = tree("Images/Train/a.png", "Images/Test/b.png", "GT/a.png", "GT/b.png")
    assert names(listed(root)) == {"train": ["a"], "test": ["b"]}


def test_images_without_split_are_for_training(tree):
    root = tree("images/a.png", "masks/a.png", "test/images/a.png", "test/masks/a.png")
    assert names(listed(root)) == {"train": ["a"], "test": ["a"]}


def test_several_test_sets_are_joined_and_remarked_upon(tree):
    for name in ("CAMO", "COD10K"):
        root = tree(f"TestDataset/{name}/Imgs/a.png", f"TestDataset/{name}/GT/a.png")
    listing = listed(root)
    assert names(listing) == {"test": ["CAMO/a", "COD10K/a"]}
    (remark,) = listing.remarks
    assert "TestDataset/CAMO (1)" in remark
    assert "--data" in remark


def test_one_of_several_test_sets_by_its_folder(tree):
    root = tree("TestDataset/CAMO/Imgs/a.png", "TestDataset/CAMO/GT/a.png")
    assert names(listed(root / "TestDataset" / "CAMO")) == {"train": ["a"]}


def test_folders_below_images_and_masks_are_one_set(tree):
    paths = [f"{role}/{city}/1.png" for role in ("images", "masks") for city in ("001", "Ulm")]
    listing = listed(tree(*paths))
    assert names(listing) == {"train": ["001/1", "Ulm/1"]}
    assert not listing.remarks


def test_a_split_without_any_masks_is_left_out_and_remarked_upon(tree):
    root = tree("train/images/a.png", "train/masks/a.png", "test/images/b.png", "test/images/c.png")
    listing = listed(root)
    assert names(listing) == {"train": ["a"]}
    (remark,) = listing.remarks
    assert remark == "test has images (2) but no masks, and is left out."


def test_rubbish_is_passed_over(tree):
    root = tree("images/a.png", "masks/a.png", "images/._a.png", ".cache/images/b.png")
    tree("overview.png", "GT_Edge/a.png", "images/.thumbs/a.png")
    for name in ("images/Thumbs.db", "images/.DS_Store", "masks/classes.txt", "README.md"):
        (root / name).write_text("rubbish")
    assert names(listed(root)) == {"train": ["a"]}


def test_links_are_followed_but_not_in_circles(tree, tmp_path):
    tree("photos/a.png", "masks/a.png", below="elsewhere")
    root = tmp_path / "data"
    root.mkdir()
    (root / "images").symlink_to(tmp_path / "elsewhere" / "photos")
    (root / "masks").symlink_to(tmp_path / "elsewhere" / "masks")
    (root / "again").symlink_to(root)
    assert names(listed(root)) == {"train": ["a"]}


def test_an_image_without_mask_is_named(tree):
    with user_error("images/b.png has no mask"):
        listed(tree("images/a.png", "images/b.png", "masks/a.png"))


def test_a_mask_without_image_is_named(tree):
    with user_error("masks/b.png has no image"):
        listed(tree("images/a.png", "masks/a.png", "masks/b.png"))


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
        listed(tmp_path)


def test_a_folder_that_cannot_be_read_is_not_passed_over(tree, monkeypatch):
    root = tree("images/a.png", "masks/a.png", "images/secret/b.png")
    scan = os.scandir

    def refuse(path):
        if "secret" in str(path):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with user_error("secret cannot be read: Permission denied"):
        listed(root)


def pairs(root, *names, **reading):
    """Each image with its masks, of all that is listed."""
    splits = below(root, listed(put(root, *names), **reading))
    return {image: masks for split in splits.values() for image, masks in split.values()}


@pytest.mark.parametrize(
    ("image", "mask"),
    [
        ("img_dir/train/{}.jpg", "ann_dir/train/{}.png"),
        ("images/training/{}.jpg", "annotations/training/{}.png"),
        ("imgs/{}.npy", "gts/{}.npy"),
        ("Train/Rural/images_png/{}.png", "Train/Rural/masks_png/{}.png"),
        ("input/{}.png", "target/{}.png"),
        ("images/image_{}.png", "masks/mask_{}.png"),
        ("images/img{}.png", "masks/mask{}.png"),
        ("training/images/{}_training.tif", "training/1st_manual/{}_manual1.gif"),
        ("train/{}.png", "trainannot/{}.png"),
        ("train/{}.jpg", "train_masks/{}_mask.gif"),
        ("Original/{}.tif", "Ground Truth/{}.tif"),
        ("images/{}.jpg", "annotations/trimaps/{}.png"),
        ("2_Ortho/potsdam_{}_RGB.tif", "5_Labels_all/potsdam_{}_label.tif"),
        ("01/t{}.tif", "01_ST/SEG/man_seg{}.tif"),
        ("train/{}.png", "train_labels/{}_L.png"),
        ("images/scan_{}_t1.png", "masks/scan_{}_lesion.png"),
    ],
)
def test_images_find_masks_in(tmp_path, image, mask):
    both = {image.format(n): [mask.format(n)] for n in ("21", "22")}
    assert pairs(tmp_path, *both, *(mask for (mask,) in both.values())) == both


@pytest.mark.parametrize(
    ("image", "mask"),
    [
        ("images/{}.png", "masks/{}_{}.png"),
        ("images/{}.png", "masks/{}_mask_{}.png"),
        ("images/{}.png", "masks/{}-{}_mask.png"),
        ("images/{}_img.png", "masks/{}_obj{}.png"),
        ("images/{}.png", "masks/{}/{}.png"),
        ("images/{}.png", "masks/{}/mask_{}.png"),
        ("{}/images/photo.png", "{}/masks/x{}y.png"),
        ("stage1_train/{0}/images/{0}.png", "stage1_train/{0}/masks/{1}ab.png"),
    ],
)
def test_an_image_has_several_masks_in(tmp_path, image, mask):
    both = {image.format(a): [mask.format(a, n) for n in (1, 2, 10)] for a in ("x", "y1", "y2")}
    names = [name for masks in both.values() for name in masks]
    assert pairs(tmp_path, *both, *names) == both  # 10 after 2
    assert listed(tmp_path).kind == "instances"
    assert any("9 masks, up to 3 an image" in remark for remark in listed(tmp_path).remarks)


def test_one_numbered_mask_an_image_is_not_several(tmp_path):
    pairs(tmp_path, "images/x.png", "images/y.png", "masks/x_0.png", "masks/y_0.png")
    assert listed(tmp_path).kind is None


@pytest.mark.parametrize("mask", ["masks/{}_{}.png", "masks/{1}/{0}.png"])
def test_masks_that_words_tell_apart_are_asked_about(tmp_path, mask):
    both = {
        f"images/{n}.png": [mask.format(n, word) for word in ("cup", "disc")] for n in ("1", "2")
    }
    put(tmp_path, *both, *(name for masks in both.values() for name in masks))
    with user_error("--masks instances", "class indices", "cup"):
        listed(tmp_path)
    assert pairs(tmp_path, masks="instances") == both
    assert listed(tmp_path, masks="instances").kind == "instances"


def test_a_second_folder_of_masks_is_named(tmp_path):
    names = [
        f"training/{place}" for place in ("images/{}_training.tif", "1st_manual/{}_manual1.gif")
    ]
    names.append("training/mask/{}_training_mask.gif")  # of the field of view
    put(tmp_path, *(name.format(n) for n in (21, 22) for name in names))
    with user_error("training/mask", "training/1st_manual (2)", "move"):
        listed(tmp_path)


def test_several_folders_that_may_hold_the_images_are_named(tmp_path):
    put(tmp_path, "photos/a.png", "edges/a.png", "masks/a.png")
    with user_error("photos (1)", "edges (1)", "'images'"):
        listed(tmp_path)


def test_images_in_several_folders_are_known_by_the_names_of_their_masks(tmp_path):
    both = {f"Training/{kind}/{kind}1.jpg": [f"Labels/Cups/{kind}/{kind}1.bmp"] for kind in "ab"}
    assert pairs(tmp_path, *both, *(mask for (mask,) in both.values())) == both


def test_names_of_files_say_the_split_where_folders_do_not(tmp_path):
    for name in ("train_1", "test_2"):
        put(tmp_path, f"images/{name}.png", f"masks/{name}.png")
    assert names(listed(tmp_path)) == {"train": ["train_1"], "test": ["test_2"]}


def test_what_is_not_used_is_said(tmp_path):
    put(tmp_path, "images/a.png", "masks/a.png", "GT_Edge/a.png", "over.tif", "x.dcm", "notes.txt")
    (remark,) = listed(tmp_path).remarks
    assert (
        remark == "not used: 1 TIFF file, 1 DICOM file in the folder itself; 1 PNG file in GT_Edge."
    )


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
    assert names(listed(root)) == {split: sorted(stems)}

"""Images and masks in one folder."""

import pytest
from hypothesis import given, settings, strategies as st
from listed import below, listed, put
from user_error import user_error


@pytest.mark.parametrize(
    ("image", "mask"),
    [
        ("{}_sat.jpg", "{}_mask.png"),
        ("{}.jpg", "{}_mask.png"),
        ("{}.png", "{}_mask.png"),
        ("{}.tif", "{}_seg.tif"),
        ("{}_image.png", "{}_label.png"),
        ("{}.bmp", "{}_anno.bmp"),
        ("image_{}.png", "mask_{}.png"),
        ("img{}.png", "gt{}.png"),
        ("{}/img.png", "{}/label.png"),
        ("{}/photo_{}.png", "{}/photo_{}_mask.png"),
        ("{}.jpg", "{}.png"),
        ("{}.npy", "{}_label.npy"),
        ("{}.nii.gz", "{}_seg.nii.gz"),
    ],
)
@pytest.mark.parametrize("folder", ["", "train/"])
def test_masks_are_told_by_their_names(tmp_path, folder, image, mask):
    images = {folder + image.format(n, n): folder + mask.format(n, n) for n in ("1", "2")}
    listing = listed(put(tmp_path, *images, *images.values()))
    pairs = below(tmp_path, listing)["train"].values()
    assert dict(pairs) == {image: [mask] for image, mask in images.items()}


def test_splits_without_masks_are_left_out_and_said(tmp_path):
    put(tmp_path, "train/1_sat.jpg", "train/1_mask.png", "valid/2_sat.jpg", "test/3_sat.jpg")
    listing = listed(tmp_path)
    assert listing.splits.keys() == {"train"}
    for split in ("val", "test"):
        assert f"{split} has images (1) but no masks, and is left out." in listing.remarks


def test_names_that_begin_with_a_split_are_of_it(tmp_path):
    for name in ("train_1", "train_2", "testA_1"):
        put(tmp_path, f"{name}.bmp", f"{name}_anno.bmp")
    assert "names of files say which split they are of." in listed(tmp_path).remarks
    splits = below(tmp_path, listed(tmp_path))
    assert {split: [*pairs] for split, pairs in splits.items()} == {
        "train": ["train_1", "train_2"],
        "test": ["testA_1"],
    }


def test_a_second_mask_of_an_image_is_one_of_its_objects(tmp_path):
    put(tmp_path, "benign/b (1).png", "benign/b (1)_mask.png", "benign/b (1)_mask_1.png")
    put(tmp_path, "normal/n (1).png", "normal/n (1)_mask.png")
    listing = listed(tmp_path)
    assert listing.kind == "instances"
    assert below(tmp_path, listing)["train"]["benign/b (1)"] == (
        "benign/b (1).png",
        ["benign/b (1)_mask.png", "benign/b (1)_mask_1.png"],
    )


def test_an_image_alone_in_its_folder_has_the_masks_there(tmp_path):
    for case in "ab":
        put(tmp_path, f"{case}/image.png", f"{case}/mask_0.png", f"{case}/mask_1.png")
    listing = listed(tmp_path)
    assert below(tmp_path, listing)["train"] == {
        f"{case}/image": (f"{case}/image.png", [f"{case}/mask_0.png", f"{case}/mask_1.png"])
        for case in "ab"
    }
    assert listing.kind == "instances"
    assert "masks belong to the one image in their folder." in listing.remarks


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["a.jpg", "a_mask.png", "b.jpg"], ["b.jpg has no mask"]),
        (["a.jpg", "a_mask.png", "b_mask.png"], ["b_mask.png has no image"]),
        (["a.jpg", "a.png", "b.jpg"], ["b.jpg has no mask"]),
        (["a.jpg", "a.png", "c.png"], ["c.png has no image"]),
    ],
)
def test_what_is_left_over_is_named(tmp_path, names, words):
    with user_error(*words):
        listed(put(tmp_path, *names))


@pytest.mark.parametrize("names", [["a.png", "b.png"], ["a.jpg", "b.png"], ["a.tif", "a.png"]])
def test_pictures_that_do_not_tell_are_refused(tmp_path, names):
    with user_error("cannot tell images and masks"):
        listed(put(tmp_path, *names))


stems = st.text("abXY019 .-é海", min_size=1, max_size=6).map(lambda stem: f"p{stem}q")


@settings(deadline=None, max_examples=40)
@given(
    stems=st.sets(stems, min_size=1, max_size=6),
    ending=st.sampled_from(["_mask", "_seg", "-label", " gt", "_mask_1"]),
    suffix=st.sampled_from([".png", ".tif", ".npy", ".nii.gz"]),
)
def test_every_image_has_its_own_mask_whatever_it_is_called(
    tmp_path_factory, stems, ending, suffix
):
    root = tmp_path_factory.mktemp("data")
    put(root, *(f"{stem}.jpg" for stem in stems), *(f"{stem}{ending}{suffix}" for stem in stems))
    pairs = below(root, listed(root))["train"]
    assert pairs == {stem: (f"{stem}.jpg", [f"{stem}{ending}{suffix}"]) for stem in stems}

"""Cityscapes' layout."""

import pytest
from listed import below, listed, put
from user_error import user_error


def scene(split, city, *kinds, name="000000_000019", quality="gtFine"):
    image = f"leftImg8bit/{split}/{city}/{city}_{name}_leftImg8bit.png"
    masks = [f"{quality}/{split}/{city}/{city}_{name}_{quality}_{kind}" for kind in kinds]
    return [image, *masks]


def chosen(listing):
    return {
        (split, files.masks[0].path.name.rpartition("_")[2])
        for split, pairs in listing.splits.items()
        for files in pairs
    }


def test_splits_and_cities(tmp_path):
    put(tmp_path, *scene("train", "aachen", "labelIds.png"), *scene("val", "ulm", "labelIds.png"))
    place = "train/aachen/aachen_000000_000019"
    listing = listed(tmp_path)
    assert below(tmp_path, listing)["train"] == {
        "aachen/aachen_000000_000019": (
            f"leftImg8bit/{place}_leftImg8bit.png",
            [f"gtFine/{place}_gtFine_labelIds.png"],
        )
    }
    assert listing.splits.keys() == {"train", "val"}


def test_masks_of_training_classes_come_first_and_the_others_are_said(tmp_path):
    kinds = ("labelIds.png", "instanceIds.png", "color.png", "labelTrainIds.png", "polygons.json")
    listing = listed(put(tmp_path, *scene("train", "aachen", *kinds)))
    assert chosen(listing) == {("train", "labelTrainIds.png")}
    assert any("others of the same images are not read" in each for each in listing.remarks)
    assert not any(each.startswith("not used") for each in listing.remarks)


def test_coarse_masks_do(tmp_path):
    put(tmp_path, *scene("train", "aachen", "labelIds.png", quality="gtCoarse"))
    assert chosen(listed(tmp_path)) == {("train", "labelIds.png")}


@pytest.mark.parametrize(("city", "splits"), [("berlin", {"train"}), ("oslo", {"train", "test"})])
def test_the_dummies_of_cityscapes_own_test_are_left_out(tmp_path, city, splits):
    put(tmp_path, *scene("train", "aachen", "labelIds.png"), *scene("test", city, "labelIds.png"))
    listing = listed(tmp_path)
    assert listing.splits.keys() == splits
    assert ("test" in splits) != any("test (1) is left out" in each for each in listing.remarks)


def test_a_split_without_masks_is_left_out_and_said(tmp_path):
    put(tmp_path, *scene("train", "aachen", "labelIds.png"), *scene("val", "ulm"))
    listing = listed(tmp_path)
    assert listing.splits.keys() == {"train"}
    assert "val has images (1) but no masks, and is left out." in listing.remarks


def test_pairs_are_complete(tmp_path):
    put(tmp_path, *scene("train", "aachen", "labelIds.png"), *scene("train", "aachen", name="1_1"))
    with user_error("aachen_1_1_leftImg8bit.png has no mask"):
        listed(tmp_path)


def test_objects_are_not_read_since_classes_are_among_them(tmp_path):
    put(tmp_path, *scene("train", "aachen", "labelIds.png", "instanceIds.png"))
    with user_error("instanceIds", "--masks instances"):
        listed(tmp_path, masks="instances")

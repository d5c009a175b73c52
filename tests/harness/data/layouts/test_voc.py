"""PASCAL VOC's layout."""

import pytest
from listed import below, listed, put
from user_error import user_error


def voc(root, *names, kinds=("SegmentationClass",), bare=(), **lists):
    images = [f"JPEGImages/{name}.jpg" for name in (*names, *bare)]
    masks = [f"{kind}/{name}.png" for kind in kinds for name in names]
    texts = {
        f"ImageSets/Segmentation/{split}.txt": "".join(f"{name}\n" for name in theirs)
        for split, theirs in lists.items()
    }
    return put(root, *images, *masks, texts=texts)


def names(listing):
    return {split: [files.name for files in pairs] for split, pairs in listing.splits.items()}


def test_without_lists_all_is_for_training(tmp_path):
    listing = listed(voc(tmp_path, "2007_1", "2007_2"))
    assert below(tmp_path, listing) == {
        "train": {
            name: (f"JPEGImages/{name}.jpg", [f"SegmentationClass/{name}.png"])
            for name in ("2007_1", "2007_2")
        }
    }
    assert listing.kind is None


@pytest.mark.parametrize("both", [True, False])
def test_lists_are_splits(tmp_path, both):
    lists = {"train": "ab", "val": "c", **({"trainval": "abc"} if both else {})}
    assert names(listed(voc(tmp_path, *"abc", **lists))) == {"train": ["a", "b"], "val": ["c"]}


@pytest.mark.parametrize("name", ["trainval", "default"])
def test_a_list_of_everything_is_for_training(tmp_path, name):
    assert names(listed(voc(tmp_path, *"ab", **{name: "ab"}))) == {"train": ["a", "b"]}


def test_images_for_detection_and_a_test_list_without_masks_are_left_out_and_said(tmp_path):
    listing = listed(voc(tmp_path, *"abc", bare="xyz", train="a", val="b", test="z"))
    assert names(listing) == {"train": ["a"], "val": ["b"]}
    assert "images without masks (3) are left out." in listing.remarks
    assert "images in no list of ImageSets/Segmentation (1) are left out." in listing.remarks


@pytest.mark.parametrize(
    ("masks", "folder", "kind"),
    [("auto", "SegmentationClass", None), ("instances", "SegmentationObject", "instances")],
)
def test_masks_of_classes_or_of_objects(tmp_path, masks, folder, kind):
    kinds = ("SegmentationClass", "SegmentationObject")
    listing = listed(voc(tmp_path, "a", kinds=kinds), masks=masks)
    assert below(tmp_path, listing) == {"train": {"a": ("JPEGImages/a.jpg", [f"{folder}/a.png"])}}
    assert listing.kind == kind
    assert any(remark.startswith(f"masks are those in {folder}: ") for remark in listing.remarks)


def test_masks_of_objects_alone_are_instances(tmp_path):
    listing = listed(voc(tmp_path, "a", kinds=("SegmentationObject",)))
    assert listing.kind == "instances"


def test_several_years_keep_apart(tmp_path):
    for year in ("VOC2007", "VOC2012"):
        voc(tmp_path / "VOCdevkit" / year, "a", train="a")
    listing = listed(tmp_path)
    assert names(listing) == {"train": ["VOCdevkit/VOC2007/a", "VOCdevkit/VOC2012/a"]}


@pytest.mark.parametrize(
    ("lists", "bare", "words"),
    [
        ({"train": "ab"}, "", ["train.txt lists b", "JPEGImages"]),
        ({"train": "ab"}, "b", ["b.jpg has no mask"]),
        ({"train": "a", "val": "a"}, "", ["val.txt lists a", "for train"]),
    ],
)
def test_what_does_not_agree_is_named(tmp_path, lists, bare, words):
    with user_error(*words):
        listed(voc(tmp_path, "a", bare=bare, **lists))


def test_a_mask_without_image_is_named(tmp_path):
    voc(tmp_path, "a")
    with user_error("SegmentationClass/b.png has no image"):
        listed(put(tmp_path, "SegmentationClass/b.png"))


def test_masks_of_objects_that_are_not_there_are_not_replaced(tmp_path):
    with user_error("no masks in SegmentationObject"):
        listed(voc(tmp_path, "a"), masks="instances")


def test_two_images_of_one_name_are_refused(tmp_path):
    voc(tmp_path, "a")
    with user_error("JPEGImages/a.jpg", "JPEGImages/a.png", "same name"):
        listed(put(tmp_path, "JPEGImages/a.png"))

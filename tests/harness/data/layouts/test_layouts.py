"""The one entrance: each layout is found without being named, and by its name."""

import numpy as np
import pytest
from listed import annotation, below, coco, listed, put
from user_error import user_error

from samfit.harness.data.layouts.layouts import LAYOUTS, READERS
from samfit.harness.data.layouts.papers import PAPERS

OUTLINE = "0 0.1 0.1 0.4 0.1 0.4 0.4\n"
FILES = {  # an image and its mask
    "csv": ["i/a.png", "m/a.png"],
    "coco": ["a.jpg"],
    "voc": ["JPEGImages/a.jpg", "SegmentationClass/a.png"],
    "cityscapes": ["leftImg8bit/train/x/a_leftImg8bit.png", "gtFine/train/x/a_gtFine_labelIds.png"],
    "nnunet": ["imagesTr/a_0000.nii.gz", "labelsTr/a.nii.gz"],
    "isic": ["ISIC-2017_Training_Data/a.jpg", "ISIC-2017_Training_Part1_GroundTruth/a.png"],
    "npz": [],
    "yolo": ["images/a.jpg"],
    "folders": ["images/a.png", "masks/a.png"],
    "pairs": ["a.jpg", "a_mask.png"],
}
TEXTS = {
    "csv": {"train.csv": "image,label\ni/a.png,m/a.png\n"},
    "coco": {"x.json": coco("a.jpg")},
    "yolo": {"labels/a.txt": OUTLINE},
}


def made(root, layout):
    if layout == "npz":
        np.savez(root / "a.npz", image=np.zeros(1), label=np.zeros(1))
    return put(root, *FILES[layout], texts=TEXTS.get(layout, {}))


def test_every_layout_is_here():
    assert FILES.keys() == READERS.keys()
    assert (*READERS, *PAPERS) == LAYOUTS[1:]


@pytest.mark.parametrize("layout", FILES)
def test_each_is_found_and_may_be_named(tmp_path, layout):
    found = listed(made(tmp_path, layout))
    assert {split: len(pairs) for split, pairs in found.splits.items()} == {"train": 1}
    assert listed(tmp_path, layout=layout).splits == found.splits
    said = f"read as the layout {layout}: --layout takes another." in found.remarks
    assert said == (layout not in ("csv", "folders"))
    assert not any(remark.startswith("not used") for remark in found.remarks)


@pytest.mark.parametrize("layout", FILES)
def test_another_is_not_found_where_it_is_named(tmp_path, layout):
    put(tmp_path, "notes.txt")
    with user_error("cannot tell"):
        listed(tmp_path, layout=layout)


def test_of_two_layouts_the_other_can_be_asked_for(tmp_path):
    put(tmp_path, "images/a.jpg", "masks/a.png", texts={"labels/a.txt": OUTLINE})
    found = listed(tmp_path)
    assert found.kind == "instances"
    assert "not used: 1 PNG file in masks." in found.remarks
    other = listed(tmp_path, layout="folders")
    assert below(tmp_path, other) == {"train": {"a": ("images/a.jpg", ["masks/a.png"])}}


@pytest.mark.parametrize(
    "texts",
    [
        {"labels/a.txt": "0 .5 .5 .1 .1\n"},
        {"x.json": coco("a.jpg", annotations=[annotation(segmentation=[], bbox=[1, 1, 2, 2])])},
    ],
)
def test_boxes_do_not_hide_masks(tmp_path, texts):
    put(tmp_path, "images/a.jpg", "masks/a.png", texts=texts)
    expected = {"train": {"a": ("images/a.jpg", ["masks/a.png"])}}
    assert below(tmp_path, listed(tmp_path)) == expected
    (tmp_path / "masks" / "a.png").unlink()
    with user_error("boxes"):
        listed(tmp_path)


def test_a_layout_that_there_is_not_is_named(tmp_path):
    with user_error("'cityscape'", "cityscapes"):
        listed(tmp_path, layout="cityscape")


@pytest.mark.parametrize("name", ["absent", "notes.txt", "a" * 300])
def test_what_is_neither_a_folder_nor_a_list_is_named(tmp_path, name):
    put(tmp_path, "notes.txt")
    with user_error(f"{name} is neither a folder", "--data"):
        listed(tmp_path / name)


def test_names_are_unique_in_a_split(tmp_path):
    put(tmp_path, "a.jpg", "a.png", texts={"x.json": coco("a.jpg", "a.png")})
    with user_error("train has two images called a"):
        listed(tmp_path)


def test_splits_are_in_their_order(tmp_path):
    for split in ("test", "train", "val"):
        put(tmp_path, f"{split}/images/a.png", f"{split}/masks/a.png")
    assert [*listed(tmp_path).splits] == ["train", "val", "test"]

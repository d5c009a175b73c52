"""What names of folders say."""

import pytest

from samfit.harness.data.layouts.words import meaning, split_of, words


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("train_images", ("train", "images")),
        ("TrainDataset", ("train", "dataset")),
        ("trainannot", ("train", "annot")),
        ("img_dir", ("img", "dir")),
        ("Ground Truth", ("groundtruth",)),
        ("ground-truths", ("groundtruth",)),
        ("1st_manual", ("st", "manual")),
        ("train2017", ("train",)),
        ("testA", ("test", "a")),
        ("restrain", ("restrain",)),
        ("001", ()),
    ],
)
def test_words_of_a_name(name, expected):
    assert words(name) == expected


@pytest.mark.parametrize(
    ("folders", "role", "split", "place"),
    [
        ("images/train", "image", "train", ()),
        ("val/Rural/masks_png", "mask", "val", ("Rural",)),
        ("mask_images", "mask", "", ()),
        ("GT_edges", "", "", ("GT_edges",)),
        ("images/test_hard", "image", "test", ("test_hard",)),
        ("", "", "", ()),
    ],
)
def test_what_folders_say(folders, role, split, place):
    said = meaning([part for part in folders.split("/") if part])
    assert (said.role, said.split, said.place) == (role, split, place)


@pytest.mark.parametrize(
    ("names", "split"),
    [
        (("instances_val2017",), "val"),
        (("train", "x"), "train"),
        (("train", "test"), "test"),
        (("x",), ""),
    ],
)
def test_the_last_split_counts(names, split):
    assert split_of(*names) == split

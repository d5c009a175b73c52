"""Names as they are compared."""

from pathlib import Path

import pytest

from samfit.harness.data.layouts.names import (
    Common,
    Found,
    alike,
    numbered,
    split_by_name,
    without_ending,
    without_head,
)


def found(name, *place, split="train"):
    return Found(Path(name), split, place)


@pytest.mark.parametrize(
    ("name", "key", "expected"),
    [
        ("A_Mask.png", alike, "p/a_mask"),
        ("A_Mask.png", without_ending, "p/a"),
        ("a_mask_1.png", without_ending, "p/a_mask_1"),
        ("mask_A.png", without_head, "p/a"),
        ("img12.png", without_head, "p/12"),
        ("imgs.png", without_head, "p/"),
        ("maskara.png", without_head, "p/maskara"),
        ("mask.png", without_head, "p/"),
        ("x.nii.gz", alike, "p/x"),
    ],
)
def test_keys(name, key, expected):
    assert key(found(name, "p")) == expected


@pytest.mark.parametrize(
    ("name", "base"),
    [
        ("cell_3.png", "cell"),
        ("cell-03.png", "cell"),
        ("cell_mask_3.png", "cell"),
        ("cell_mask3.png", "cell"),
        ("cell_3_mask.png", "cell"),
        ("cell (3).png", "cell"),
        ("cell3.png", None),
        ("3.png", None),
        ("cell_x.png", None),
    ],
)
def test_numbers_of_several_masks(name, base):
    ways = numbered(found(name))
    assert [way.base for way in ways][:1] == ([base] if base else [])
    assert all(way.number == 3 for way in ways)


@pytest.mark.parametrize(
    ("names", "head", "tail"),
    [
        (["a_1_t1", "a_2_t1"], "a_", "_t1"),
        (["img1", "img22"], "img", ""),
        (["x_7_a", "y_8_a"], "", "_a"),
        (["1", "2"], "", ""),
        (["only_one"], "", ""),
        (["man_seg001", "man_seg002"], "man_seg", ""),
    ],
)
def test_what_all_names_share(names, head, tail):
    common = Common.of([found(f"{name}.png") for name in names])
    assert (common.head, common.tail) == (head, tail)
    left = {common.cut(found(f"{name}.png", "p")) for name in names}
    assert len(left) == len(names)
    assert all(each.startswith("p/") and each != "p/" for each in left)


def test_names_say_a_split_only_if_all_do_and_no_folder_does():
    files = [found("train_1.png", split=""), found("testA_2.png", split="")]
    assert [file.split for file in split_by_name(files)] == ["train", "test"]
    others = [*files, found("x_3.png", split="")]
    assert split_by_name(others) == others
    alone = [found("test_1.png", split=""), found("test_2.png", split="")]
    assert split_by_name(alone) == alone
    told = [file._replace(split="val") for file in files]
    assert split_by_name(told) == told

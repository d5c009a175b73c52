"""nnU-Net's layout."""

import json

import pytest
from listed import below, listed, put
from user_error import user_error


@pytest.mark.parametrize("suffix", [".nii.gz", ".png", ".tif"])
@pytest.mark.parametrize("channel", ["_0000", ""])
def test_images_have_masks_of_their_case(tmp_path, suffix, channel):
    put(tmp_path, *(f"imagesTr/case_{n}{channel}{suffix}" for n in (1, 2)))
    put(tmp_path, *(f"labelsTr/case_{n}{suffix}" for n in (1, 2)))
    listing = listed(tmp_path)
    assert below(tmp_path, listing) == {
        "train": {
            f"case_{n}": (f"imagesTr/case_{n}{channel}{suffix}", [f"labelsTr/case_{n}{suffix}"])
            for n in (1, 2)
        }
    }


def test_a_case_that_ends_like_a_channel_is_itself(tmp_path):
    put(tmp_path, "imagesTr/case_0001.png", "labelsTr/case_0001.png")
    assert listed(tmp_path).splits["train"][0].name == "case_0001"


def test_images_without_masks_are_left_out_and_said(tmp_path):
    put(tmp_path, "imagesTr/a_0000.png", "labelsTr/a.png", "imagesTs/b_0000.png")
    listing = listed(tmp_path)
    assert listing.splits.keys() == {"train"}
    assert "imagesTs (1) has no masks, and is left out." in listing.remarks
    put(tmp_path, "labelsTs/b.png")
    assert listed(tmp_path).splits.keys() == {"train", "test"}


@pytest.mark.parametrize(
    ("labels", "classes", "names"),
    [
        ({"background": 0, "cup": 1, "disc": 2}, 3, ("background", "cup", "disc")),
        ({"0": "background", "1": "cup", "2": "disc"}, 3, ("background", "cup", "disc")),
        ({"background": 0, "cup": 1}, 1, ()),
        ({"background": 0, "cup": [1, 2], "disc": 2}, 0, ()),  # regions
        ({"background": 0, "cup": 2}, 0, ()),
        ("none", 0, ()),
    ],
)
def test_classes_are_those_of_the_description(tmp_path, labels, classes, names):
    put(tmp_path, "imagesTr/a_0000.png", "labelsTr/a.png")
    listing = listed(put(tmp_path, texts={"dataset.json": json.dumps({"labels": labels})}))
    assert (listing.classes, listing.class_names) == (classes, names)


def test_what_is_to_be_ignored_is_no_class(tmp_path):
    put(tmp_path, "imagesTr/a_0000.png", "labelsTr/a.png")
    labels = {"background": 0, "cup": 1, "disc": 2, "ignore": 3}
    listing = listed(put(tmp_path, texts={"dataset.json": json.dumps({"labels": labels})}))
    assert listing.classes == 3
    assert any("--ignore 3" in remark for remark in listing.remarks)


def test_a_set_may_lie_in_a_folder_of_its_own_but_not_two(tmp_path):
    put(tmp_path, "Dataset1_A/imagesTr/a_0000.png", "Dataset1_A/labelsTr/a.png")
    assert listed(tmp_path).name == "Dataset1_A"
    put(tmp_path, "Dataset2_B/imagesTr/a_0000.png", "Dataset2_B/labelsTr/a.png")
    with user_error("Dataset1_A", "Dataset2_B", "--data"):
        listed(tmp_path)


def test_several_files_are_channels_of_one_image(tmp_path):
    for case in "ab":
        put(tmp_path, f"labelsTr/{case}.png", *(f"imagesTr/{case}_000{n}.png" for n in range(3)))
    listing = listed(tmp_path)
    for files in listing.splits["train"]:
        paths = [each.path.name for each in files.image.files]
        assert paths == [f"{files.name}_000{n}.png" for n in range(3)]
    assert any("3 files are the channels" in remark for remark in listing.remarks)
    assert not any(remark.startswith("not used") for remark in listing.remarks)
    (tmp_path / "imagesTr" / "b_0001.png").unlink()
    with user_error("b has 2 files", "imagesTr/b_0000.png"):
        listed(tmp_path)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("imagesTr/b_0000.png", ["imagesTr/b_0000.png has no mask"]),
        ("labelsTr/b.png", ["labelsTr/b.png has no image"]),
    ],
)
def test_what_does_not_fit_is_named(tmp_path, more, words):
    put(tmp_path, "imagesTr/a_0000.png", "labelsTr/a.png", more)
    with user_error(*words):
        listed(tmp_path)

"""Outlines in YOLO's text files."""

import pytest
from hypothesis import given, settings, strategies as st
from listed import below, listed, put
from user_error import user_error

from samfit.errors import UserError
from samfit.harness.data.layouts.yolo import read_text

LINE = "0 0.1 0.1 0.4 0.1 0.4 0.4\n"
BOX = "1 .5 .5 .1 .1\n"


@pytest.mark.parametrize(
    ("image", "label"),
    [("images/{}", "labels/{}"), ("{}/images", "{}/labels"), ("data/images/{}", "data/labels/{}")],
)
def test_labels_stand_beside_images(tmp_path, image, label):
    splits = {"train": "train", "valid": "val"}
    names = [f"{image.format(folder)}/{folder}.jpg" for folder in splits]
    texts = {f"{label.format(folder)}/{folder}.txt": LINE for folder in splits}
    listing = listed(put(tmp_path, *names, texts=texts))
    found = {
        split: [(files.name.split("/")[-1], len(files.masks.objects)) for files in pairs]
        for split, pairs in listing.splits.items()
    }
    assert found == {split: [(folder, 1)] for folder, split in splits.items()}
    assert listing.kind == "instances"


def test_texts_in_the_folder_of_their_images(tmp_path):
    put(tmp_path, "a.jpg", "b.jpg", texts={"a.txt": LINE * 2, "b.txt": "", "classes.txt": "cat"})
    listing = listed(tmp_path)
    assert below(tmp_path, listing) == {"train": {"a": ("a.jpg", 2), "b": ("b.jpg", 0)}}
    (remark,) = [each for each in listing.remarks if "classes.txt" in each]
    assert remark.startswith("texts without an image (1)")


def test_what_has_no_outline_is_said(tmp_path):
    put(tmp_path, "images/train/a.jpg", "images/train/b.jpg", "images/test/c.jpg")
    listing = listed(put(tmp_path, texts={"labels/train/a.txt": LINE + BOX}))
    assert below(tmp_path, listing) == {
        "train": {"a": ("images/train/a.jpg", 1), "b": ("images/train/b.jpg", 0)}
    }
    remarks = " ".join(listing.remarks)
    assert "boxes without outline (1) are left out" in remarks
    assert "images without a text of labels (1) have no objects" in remarks
    assert "images of splits without labels (1) are left out" in remarks


@pytest.mark.parametrize(
    "yaml",
    [
        "path: x\nnames: ['cat', \"wild dog\"]\nnc: 2\n",
        "names: [cat, wild dog]\n",
        "names:\n  0: cat\n  1: wild dog\nnc: 2\n",
        "names:\n- cat\n- 'wild dog'\n",
    ],
)
def test_names_of_categories(tmp_path, yaml):
    put(tmp_path, "images/a.jpg", texts={"labels/a.txt": "1" + LINE[1:], "data.yaml": yaml})
    listing = listed(tmp_path)
    assert listing.class_names == ("cat", "wild dog")
    assert "objects by category: wild dog (1)." in listing.remarks


@pytest.mark.parametrize("yaml", ["", "names: cat\n", "names: *known\n", "nc: 2\n"])
def test_categories_without_names_are_numbers(tmp_path, yaml):
    put(tmp_path, "images/a.jpg", texts={"labels/a.txt": LINE, "data.yaml": yaml})
    listing = listed(tmp_path)
    assert listing.class_names == ()
    assert "objects by category: 0 (1)." in listing.remarks


@pytest.mark.parametrize(
    "line",
    [
        "0 10 10 40 10 40 40",  # pixels
        "-1 0.1 0.1 0.4 0.1 0.4 0.4",
        "0.5 0.1 0.1 0.4 0.1 0.4 0.4",
        "0 0.1 0.1 0.4 0.1 0.4",
        "0 0.1 0.1 0.4 0.1 nan 0.4",
        "cat 0.1 0.1 0.4 0.1 0.4 0.4",
    ],
)
def test_a_line_that_is_no_outline_is_named(tmp_path, line):
    put(tmp_path, "images/a.jpg", texts={"labels/a.txt": f"{LINE}{line}\n"})
    with user_error("line 2", "labels/a.txt"):
        listed(tmp_path)


def test_boxes_alone_are_refused(tmp_path):
    put(tmp_path, "images/a.jpg", texts={"labels/a.txt": BOX * 2})
    with user_error("boxes (2)", "no outlines"):
        listed(tmp_path)


def test_a_text_of_two_images_is_refused(tmp_path):
    put(tmp_path, "images/a.jpg", "images/a.png", texts={"labels/a.txt": LINE})
    with user_error("images/a.jpg", "images/a.png", "same name"):
        listed(tmp_path)


def test_other_texts_are_no_labels(tmp_path):
    put(tmp_path, "images/a.jpg", "masks/a.png", texts={"images/a.txt": "a photograph"})
    assert below(tmp_path, listed(tmp_path)) == {"train": {"a": ("images/a.jpg", ["masks/a.png"])}}


@settings(deadline=None, max_examples=50)
@given(st.one_of(st.binary(max_size=40), st.text("0123456789. -e\n", max_size=60).map(str.encode)))
def test_random_bytes_are_read_or_refused(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("labels") / "a.txt"
    path.write_bytes(content)
    try:
        objects, boxes = read_text(path)
    except UserError as error:
        assert "a.txt" in str(error)
    else:
        assert boxes >= 0 and all(len(each.shape[0]) >= 6 for each in objects)

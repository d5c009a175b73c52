"""What is said of a folder that no layout fits."""

import json

import pytest
from listed import coco, listed, put
from user_error import user_error


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([], ["no files"]),
        (["a.dcm", "b/c.dcm", "x.JPG"], ["2 DICOM files, 1 JPEG file"]),
        (["a.h5", "b.mat", "c.mp4"], ["1 HDF5 file", "1 MATLAB file", "1 video file"]),
        (["images/a.png", "b.xyz"], ["images (1) but no masks", "1 .xyz file"]),
        (["masks/a.png", "masks/b.nii.gz"], ["masks (2) but no images", "1 NIfTI volume file"]),
    ],
)
def test_what_it_holds_and_what_would_be_read(tmp_path, names, words):
    with user_error(str(tmp_path), *words, "images and masks", "COCO", "YOLO", "train.csv"):
        listed(put(tmp_path, *names))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"shapes": [], "imagePath": "a.jpg"}, "LabelMe"),
        ({"image": {}, "annotations": []}, "SA-1B"),
        ({"a.jpg1": {"filename": "a.jpg", "regions": []}}, "VIA"),
        (json.loads(coco("a.jpg", annotations=[{"caption": "x"}])), "COCO's format, but"),
    ],
)
def test_annotations_in_other_formats_are_named(tmp_path, content, words):
    with user_error("1 JSON file", "a.json is", words):
        listed(put(tmp_path, "a.jpg", texts={"a.json": json.dumps(content)}))


def test_another_json_is_only_counted(tmp_path):
    with user_error("2 JSON files, 1 JPEG file; of this"):
        listed(put(tmp_path, "a.jpg", texts={"a.json": "[]", "b.json": '{"x": 1}'}))


def test_of_many_folders_that_are_not_used_some_are_named(tmp_path):
    put(tmp_path, "images/a.png", "masks/a.png", *(f"extra{n}/a.png" for n in range(9)))
    (remark,) = listed(tmp_path).remarks
    assert "1 PNG file in extra5; 3 files in 3 more folders." in remark

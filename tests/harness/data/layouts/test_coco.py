"""Annotations in COCO's format, with the images that they are about."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st
from listed import TRIANGLE, annotation, below, coco, listed, put
from user_error import user_error

from samfit.errors import UserError


def test_annotations_beside_images_in_folders_of_splits(tmp_path):
    folders = {"train": "train", "valid": "val", "test": "test"}
    put(tmp_path, *(f"{folder}/{folder}.jpg" for folder in folders))
    texts = {f"{folder}/_annotations.coco.json": coco(f"{folder}.jpg") for folder in folders}
    listing = listed(put(tmp_path, texts=texts))
    assert below(tmp_path, listing) == {
        split: {folder: (f"{folder}/{folder}.jpg", 1)} for folder, split in folders.items()
    }
    assert listing.kind == "instances"
    assert listing.class_names == ("cat", "dog")
    assert "objects by category: dog (3)." in listing.remarks


@pytest.mark.parametrize("above", ["", "images/"])
def test_annotations_in_a_folder_of_their_own_are_of_the_folder_they_are_called_after(
    tmp_path, above
):
    put(tmp_path, f"{above}train2017/1.jpg", f"{above}val2017/1.jpg")
    texts = {f"annotations/instances_{split}2017.json": coco("1.jpg") for split in ("train", "val")}
    texts["annotations/captions_val2017.json"] = coco(
        "1.jpg", annotations=[{"image_id": 0, "caption": "a cat"}]
    )
    texts["annotations/person_keypoints_val2017.json"] = coco(
        "1.jpg", annotations=[annotation(keypoints=[1, 2, 2])]
    )
    listing = listed(put(tmp_path, texts=texts))
    assert below(tmp_path, listing) == {
        split: {"1": (f"{above}{split}2017/1.jpg", 1)} for split in ("train", "val")
    }
    assert "not used: 2 JSON files in annotations." in listing.remarks


def test_a_file_of_annotations_is_for_training_and_finds_images_beside_its_folder(tmp_path):
    put(tmp_path, "images/a.jpg", texts={"annotations/val.json": coco("a.jpg")})
    listing = listed(tmp_path / "annotations" / "val.json")
    assert below(tmp_path, listing) == {"train": {"a": ("images/a.jpg", 1)}}


def test_a_file_of_annotations_prefers_images_beside_it_wherever_one_stands(tmp_path, monkeypatch):
    put(tmp_path, "one/a.jpg", "a.jpg", texts={"one/x.json": coco("a.jpg")})
    monkeypatch.chdir(tmp_path / "one")
    (files,) = listed(Path("x.json")).splits["train"]
    assert files.image.path == tmp_path / "one" / "a.jpg"
    monkeypatch.chdir(tmp_path)
    (files,) = listed(Path("one")).splits["train"]
    assert files.image.path == Path("one", "a.jpg")


def test_a_name_with_folders_tells_images_of_the_same_name_apart(tmp_path):
    put(tmp_path, "one/a.jpg", "two/a.jpg", texts={"x.json": coco("two/a.jpg", "one/a.jpg")})
    listing = listed(tmp_path)
    assert below(tmp_path, listing) == {
        "train": {"one/a": ("one/a.jpg", 1), "two/a": ("two/a.jpg", 1)}
    }


def test_folders_of_another_machine_do_not_matter_if_there_is_one_such_image(tmp_path):
    put(tmp_path, "a.jpg", texts={"x.json": coco("C:\\data\\pictures\\a.jpg")})
    assert below(tmp_path, listed(tmp_path)) == {"train": {"a": ("a.jpg", 1)}}


def test_an_image_without_objects_is_kept_and_one_that_is_not_listed_is_remarked_upon(tmp_path):
    text = coco("a.jpg", "b.jpg", annotations=[annotation()])
    listing = listed(put(tmp_path, "a.jpg", "b.jpg", "c.jpg", texts={"x.json": text}))
    assert below(tmp_path, listing) == {"train": {"a": ("a.jpg", 1), "b": ("b.jpg", 0)}}
    assert "not used: 1 JPEG file in the folder itself." in listing.remarks


def test_what_is_no_object_is_counted(tmp_path):
    annotations = [
        annotation(),
        annotation(iscrowd=1),
        annotation(segmentation=[], bbox=[1, 1, 2, 2]),
        annotation(segmentation=[[1, 1, 2, 2]]),
        annotation(image_id=9),
    ]
    text = coco("a.jpg", annotations=annotations)
    listing = listed(put(tmp_path, "a.jpg", texts={"x.json": text}))
    assert below(tmp_path, listing) == {"train": {"a": ("a.jpg", 1)}}
    (remark,) = [each for each in listing.remarks if each.startswith("left out")]
    for reason in ("crowds", "boxes", "less than 3 points", "does not list"):
        assert reason in remark
    assert remark.count("(1)") == 4


def test_categories_of_several_files_are_one_list_by_name(tmp_path):
    other = [{"id": 3, "name": "cow"}, {"id": 4, "name": "dog"}]
    texts = {
        "train.json": coco("a.jpg"),
        "val.json": coco("b.jpg", annotations=[annotation(category_id=4)], categories=other),
    }
    listing = listed(put(tmp_path, "a.jpg", "b.jpg", texts=texts))
    assert listing.class_names == ("cat", "dog", "cow")
    objects = [
        files.masks.objects[0] for split in ("train", "val") for files in listing.splits[split]
    ]
    assert [each.category for each in objects] == [1, 1]
    assert [[*map(list, each.shape)] for each in objects] == [[TRIANGLE]] * 2


def test_a_single_polygon_that_is_not_in_a_list_is_read(tmp_path):
    text = coco("a.jpg", annotations=[annotation(segmentation=TRIANGLE)])
    (files,) = listed(put(tmp_path, "a.jpg", texts={"x.json": text})).splits["train"]
    assert [*map(list, files.masks.objects[0].shape)] == [TRIANGLE]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"category_id": 9}, ["annotation 0", "category_id", "9"]),
        ({"segmentation": [[1, 2, 3, 4, "5", 6]]}, ["annotation 0", "no number"]),
        ({"segmentation": [[1, 2, 3, 4, float("nan"), 6]]}, ["annotation 0", "not finite"]),
        ({"segmentation": [[1, 2, 3, 4, 10**400, 6]]}, ["annotation 0", "no number"]),
        ({"segmentation": [[1, 2, 3, 4, 5]]}, ["annotation 0", "odd number"]),
        ({"segmentation": "1 2 3"}, ["annotation 0", "1 2 3"]),
        ({"image_id": [1]}, ["annotation 0"]),
    ],
)
def test_an_annotation_that_is_not_valid_is_named(tmp_path, values, words):
    put(tmp_path, "a.jpg", texts={"x.json": coco("a.jpg", annotations=[annotation(**values)])})
    with user_error("x.json", *words):
        listed(tmp_path)


def test_an_annotation_that_lacks_something_is_named(tmp_path):
    bare = {key: value for key, value in annotation().items() if key != "image_id"}
    put(tmp_path, "a.jpg", texts={"x.json": coco("a.jpg", annotations=[bare])})
    with user_error("annotation 0 of", "x.json has no image_id"):
        listed(tmp_path)


@pytest.mark.parametrize("lacking", ["id", "file_name", "height", "width"])
def test_an_image_that_lacks_something_is_named(tmp_path, lacking):
    image = {"id": 0, "file_name": "a.jpg", "height": 8, "width": 10}
    del image[lacking]
    put(tmp_path, "a.jpg", texts={"x.json": coco("a.jpg", images=[image])})
    with user_error("x.json lists an image without id, file_name, height or width"):
        listed(tmp_path)


@pytest.mark.parametrize(
    ("names", "texts", "words"),
    [
        (
            ["a.jpg"],
            {"x.json": coco("a.jpg", "b.jpg", "c.jpg")},
            ["x.json lists b.jpg", "one of 2", "add it"],
        ),
        (
            ["one/a.jpg", "two/a.jpg"],
            {"x.json": coco("a.jpg")},
            ["x.json lists a.jpg", "one/a.jpg", "two/a.jpg"],
        ),
        (
            ["a.jpg"],
            {"x.json": coco("a.jpg"), "y.json": coco("a.jpg")},
            ["x.json", "y.json", "a.jpg", "--data"],
        ),
        (["a.jpg"], {"x.json": '{"images": [], "annotations": ['}, ["x.json", "not valid JSON"]),
        (["a.jpg"], {"x.json": coco("a.jpg", annotations=[])}, ["x.json has no objects"]),
        (
            ["a.jpg"],
            {"x.json": coco("a.jpg", annotations=[annotation(segmentation=[], bbox=[1, 1, 2, 2])])},
            ["x.json has no objects", "boxes without segmentation (1)"],
        ),
    ],
)
def test_what_cannot_be_read_is_one_sentence(tmp_path, names, texts, words):
    with user_error(*words):
        listed(put(tmp_path, *names, texts=texts))


def test_ids_are_given_once(tmp_path):
    image = {"id": 0, "file_name": "a.jpg", "height": 8, "width": 10}
    put(tmp_path, "a.jpg", texts={"x.json": coco("a.jpg", images=[image, image])})
    with user_error("x.json lists two images of id 0"):
        listed(tmp_path)


def test_another_json_is_named_as_a_file_and_passed_over_in_a_folder(tmp_path):
    put(tmp_path, "images/a.jpg", "masks/a.png")
    put(tmp_path, texts={"x.json": json.dumps({"annotations": []}), "y.json": "{broken"})
    assert below(tmp_path, listed(tmp_path)) == {"train": {"a": ("images/a.jpg", ["masks/a.png"])}}
    with user_error("x.json is not in COCO's format"):
        listed(tmp_path / "x.json")


def test_masks_that_are_there_too_are_remarked_upon(tmp_path):
    put(tmp_path, "images/a.jpg", "masks/a.png", texts={"x.json": coco("a.jpg")})
    listing = listed(tmp_path)
    assert listing.kind == "instances"
    assert "not used: 1 PNG file in masks." in listing.remarks
    assert any("--layout" in remark for remark in listing.remarks)
    assert listed(tmp_path, layout="folders").kind is None


@pytest.mark.parametrize(
    ("option", "value"),
    [("masks", "classes"), ("classes", "2"), ("ignore", "0"), ("foreground", "any")],
)
def test_objects_cannot_be_taken_for_something_else(tmp_path, option, value):
    put(tmp_path, "a.jpg", texts={"x.json": coco("a.jpg")})
    with user_error("x.json draws objects", f"drop --{option}"):
        listed(tmp_path, **{option: value})
    assert listed(tmp_path, masks="instances").kind == "instances"


values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 300) | st.floats() | st.text(max_size=3),
    lambda some: (
        st.lists(some, max_size=3) | st.dictionaries(st.text(max_size=3), some, max_size=2)
    ),
    max_leaves=4,
)


@settings(deadline=None, max_examples=60)
@given(data=st.data(), value=values)
def test_whatever_stands_somewhere_in_the_file_it_is_read_or_refused(tmp_path_factory, data, value):
    rle = {"size": [8, 10], "counts": [10, 70]}
    annotations = [annotation(), annotation(segmentation=rle), annotation(segmentation=[], bbox=[])]
    content = json.loads(coco("a.jpg", "b.jpg", annotations=annotations))
    place, key = {"": content}, ""
    while isinstance(place[key], list | dict) and place[key] and data.draw(st.integers(0, 5)):
        place = place[key]
        keys = [*place] if isinstance(place, dict) else [*range(len(place))]
        key = data.draw(st.sampled_from(keys))
    place[key] = value
    root = tmp_path_factory.mktemp("data")
    put(root, "a.jpg", "b.jpg", "b.png", texts={"x.json": json.dumps(content)})
    try:
        for files in listed(root).splits["train"]:
            files.masks.draw((8, 10))
    except UserError as error:
        assert str(root) in str(error) and "\n" not in str(error)

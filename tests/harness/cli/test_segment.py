"""``samfit segment``: masks for images that have none."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from samfit.harness.data.files.picture import ORIENTATION


def pictures_in(folder):
    found = {}
    for path in folder.rglob("*.png"):
        with Image.open(path) as picture:
            found[path.relative_to(folder).as_posix()] = picture.copy()
    return found


@pytest.fixture
def wild(tmp_path):
    """Images without masks, of several sizes and formats, in folders."""
    folder = tmp_path / "wild"
    (folder / "deep").mkdir(parents=True)
    for name, size in (("a.png", (30, 90)), ("b.jpg", (64, 64)), ("deep/c.bmp", (17, 5))):
        Image.new("RGB", size, "green").save(folder / name)
    Image.new("L", (40, 41)).save(folder / "deep" / "a.png")
    (folder / "notes.txt").touch()
    return folder


SIZES = {"a.png": (30, 90), "b.png": (64, 64), "deep/c.png": (17, 5), "deep/a.png": (40, 41)}


def test_a_folder_of_images_becomes_a_folder_of_masks(answer, photos_run, wild, tmp_path):
    found = answer("segment", photos_run, wild, "--output", tmp_path / "masks")
    masks = pictures_in(tmp_path / "masks")
    assert {name: mask.size for name, mask in masks.items()} == SIZES
    assert {mask.mode for mask in masks.values()} == {"L"}
    assert all(set(np.unique(mask)) <= {0, 255} for mask in masks.values())
    assert sorted(found["files"]) == sorted(str(tmp_path / "masks" / name) for name in SIZES)


def test_classes_are_indices_in_a_palette(said, maps_run, wild, tmp_path):
    assert "4 masks in" in said("segment", maps_run, wild, "--output", tmp_path / "masks")
    masks = pictures_in(tmp_path / "masks")
    assert {name: mask.size for name, mask in masks.items()} == SIZES
    assert {mask.mode for mask in masks.values()} == {"P"}
    assert all(np.asarray(mask).max() < 3 for mask in masks.values())


def test_a_single_image_with_the_box_of_its_object(said, boxes_run, wild, tmp_path):
    box = ("--box", "10,5.5,60,50")
    said("segment", boxes_run, wild / "b.jpg", *box, "--output", tmp_path / "new" / "masks")
    assert [*pictures_in(tmp_path / "new")] == ["masks/b.png"]


def test_two_images_that_would_share_a_mask_are_refused(mistake, photos_run, wild, tmp_path):
    Image.new("RGB", (9, 9)).save(wild / "b.png")
    sentence = mistake("segment", photos_run, wild, "--output", tmp_path / "masks")
    assert f"{wild / 'b.jpg'} and {wild / 'b.png'} would both get the mask" in sentence


def test_a_mask_never_replaces_an_image(mistake, photos_run, wild):
    before = (wild / "a.png").read_bytes()
    for images in (wild, wild / "a.png"):
        sentence = mistake("segment", photos_run, images, "--output", wild)
        assert f"would replace {wild / 'a.png'}" in sentence
    assert (wild / "a.png").read_bytes() == before


def test_an_image_that_cannot_be_read_is_named(mistake, photos_run, wild, tmp_path):
    torn = wild / "b.jpg"
    torn.write_bytes(torn.read_bytes()[:50])
    assert str(torn) in mistake("segment", photos_run, wild, "--output", tmp_path / "masks")


def test_paths_in_an_adapter_file_write_nothing(mistake, photos_run, wild, tmp_path):
    run = Path(shutil.copytree(photos_run, tmp_path / "inner" / "run"))
    weights = run / "adapter.safetensors"
    with safe_open(weights, "pt") as file:
        metadata = {**file.metadata(), "../../escaped": "../../escaped.png"}
    state = {**load_file(weights), "../../escaped.png": torch.zeros(1)}
    save_file(state, weights, metadata)
    before = sorted(tmp_path.rglob("*"))
    sentence = mistake("segment", run, wild, "--output", tmp_path / "inner" / "masks")
    assert str(weights) in sentence
    assert sorted(tmp_path.rglob("*")) == before


# Several objects


BOXES = ("--box", "10,5,60,50", "--box", "0,0,30,30")


def test_several_boxes_are_a_mask_each(answer, boxes_run, wild, tmp_path):
    found = answer("segment", boxes_run, wild / "b.jpg", *BOXES, "--output", tmp_path / "masks")
    assert [Path(file).name for file in found["files"]] == ["b_0.png", "b_1.png"]
    together = pictures_in(tmp_path / "masks")
    answer("segment", boxes_run, wild / "b.jpg", *BOXES[2:], "--output", tmp_path / "alone")
    alone = pictures_in(tmp_path / "alone")["b.png"]
    assert (np.asarray(together["b_1.png"]) == np.asarray(alone)).all()


def test_each_image_has_the_prompts_of_its_rows(answer, boxes_run, wild, tmp_path):
    table = tmp_path / "prompts.csv"
    table.write_text("image,x0,y0,x1,y1\nb.jpg,10,5,60,50\na.png,0,0,20,80\nb.jpg,0,0,30,30\n")
    images = (wild / "a.png", wild / "b.jpg")
    answer("segment", boxes_run, *images, "--prompts", table, "--output", tmp_path / "masks")
    found = pictures_in(tmp_path / "masks")
    assert found.keys() == {"a.png", "b_0.png", "b_1.png"}
    answer("segment", boxes_run, images[1], *BOXES, "--output", tmp_path / "options")
    for name, mask in pictures_in(tmp_path / "options").items():
        assert (np.asarray(mask) == np.asarray(found[name])).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--box", "60,5,10,50"], "X0 below X1"),
        (["--box", "nan,5,10,50"], "--box takes 4 numbers"),
        (["--box", "0,0,9,9", "--box", "70,5,90,50"], "lies outside of"),
        (["--box", "a,b,c,d"], "--box takes numbers"),
        (["--box", "0,0,9,9", "--prompts", "boxes.csv"], "takes the place of --box"),
        (["--prompts", "nowhere.csv"], "nowhere.csv"),
    ],
)
def test_wrong_prompts_are_refused_before_anything_is_written(
    mistake, boxes_run, wild, tmp_path, options, words
):
    output = tmp_path / "masks"
    assert words in mistake("segment", boxes_run, wild / "b.jpg", *options, "--output", output)
    assert not output.exists()


def test_an_image_without_a_row_or_that_is_not_there_stops_before_any_mask(
    mistake, boxes_run, wild, tmp_path
):
    table, output = tmp_path / "prompts.csv", tmp_path / "masks"
    table.write_text("image,x0,y0,x1,y1\nb.jpg,10,5,60,50\n")
    asked = ("--prompts", table, "--output", output)
    assert "has no row for" in mistake("segment", boxes_run, wild / "b.jpg", wild / "a.png", *asked)
    assert "gone.jpg" in mistake("segment", boxes_run, wild / "b.jpg", wild / "gone.jpg", *asked)
    assert not output.exists()


def test_masks_of_several_objects_never_replace_an_image_nor_each_other(
    mistake, boxes_run, wild, tmp_path
):
    Image.new("RGB", (64, 64)).save(wild / "b_1.png")
    before = (wild / "b_1.png").read_bytes()
    sentence = mistake(
        "segment", boxes_run, wild / "b.jpg", wild / "b_1.png", *BOXES, "--output", wild
    )
    assert f"the mask of {wild / 'b.jpg'} would replace {wild / 'b_1.png'}" in sentence
    assert (wild / "b_1.png").read_bytes() == before
    table = tmp_path / "prompts.csv"
    table.write_text("image,x0,y0,x1,y1\nb.jpg,0,0,9,9\nb.jpg,9,9,20,20\nb_1.png,0,0,9,9\n")
    images = (wild / "b.jpg", wild / "b_1.png")
    asked = ("--prompts", table, "--output", tmp_path / "masks")
    assert "would both get the mask" in mistake("segment", boxes_run, *images, *asked)


# More than masks


def test_probabilities_are_levels_that_the_threshold_cuts(answer, photos_run, wild, tmp_path):
    options = ("--probability", "--threshold", "0.3", "--overlay", "--output", tmp_path / "masks")
    answer("segment", photos_run, wild / "a.png", *options)
    found = {name: np.asarray(picture) for name, picture in pictures_in(tmp_path / "masks").items()}
    assert found.keys() == {"a.png", "a_probability.png", "a_overlay.png"}
    levels = found["a_probability.png"]
    assert levels.max() > 255  # 16 bits
    clear = abs(levels / 65535 - 0.3) > 1e-4
    assert ((found["a.png"] > 0) == (levels / 65535 > 0.3))[clear].all()
    assert found["a_overlay.png"].shape == (90, 30, 3)


def test_classes_have_no_probability_to_cut(mistake, maps_run, wild, tmp_path):
    options = ("--threshold", "0.3", "--output", tmp_path / "masks")
    assert "tells 3 classes apart" in mistake("segment", maps_run, wild / "a.png", *options)
    assert not (tmp_path / "masks").exists()


def test_masks_are_turned_as_their_image_is(answer, photos_run, wild, tmp_path):
    with Image.open(wild / "b.jpg") as picture:
        turned = picture.resize((40, 20))
    tag = turned.getexif()
    tag[ORIENTATION] = 6
    turned.save(wild / "turned.jpg", exif=tag)
    options = ("--probability", "--overlay", "--output", tmp_path / "masks")
    answer("segment", photos_run, wild / "turned.jpg", *options)
    found = pictures_in(tmp_path / "masks")
    assert len(found) == 3
    for picture in found.values():
        assert picture.size == (40, 20)
        assert picture.getexif()[ORIENTATION] == 6

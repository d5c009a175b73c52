"""``samfit segment``: masks for images that have none."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file, save_file


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

"""Masks for single images, and the files that they become."""

import io

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from PIL import Image
from tiny_task import Made, made, tiny_cell
from user_error import user_error

from samfit.harness.step.step import build_model
from samfit.harness.train.evaluate import evaluate
from samfit.harness.train.segment import mask_file, segment

CPU = torch.device("cpu")


def cell_and_model(prompt="box", **fields):
    cell = tiny_cell(prompt=prompt, batch_size=1, **fields)
    return cell, build_model(cell, CPU)


def block(height, width, top, left, bottom, right):
    """An image with an object whose edges are where the given ones are."""
    mask = np.zeros((height, width), dtype=np.uint8)
    mask[top:bottom, left:right] = 1
    return Made("block", made(0, height=height, width=width).image, mask)


# The mask


@pytest.mark.parametrize(("height", "width"), [(64, 64), (33, 200), (150, 90)])
@pytest.mark.parametrize("classes", [1, 3])
def test_a_mask_has_the_size_of_its_image(height, width, classes):
    fields = {"settings": {"classes": 3}, "loss": "samed"} if classes > 1 else {}
    cell, model = cell_and_model(**fields)
    mask = segment(cell, model, made(0, height=height, width=width).image, CPU)
    assert mask.shape == (height, width)
    assert mask.dtype == np.uint8
    assert set(np.unique(mask)) <= {*range(max(2, classes))}


@pytest.mark.parametrize("prompt", ["box", "none"])
def test_what_is_segmented_is_what_is_evaluated(prompt):
    cell, model = cell_and_model(prompt)
    example = made(0, height=50, width=90)
    _, (evaluated,) = evaluate(cell, model, [example], CPU)
    assert (segment(cell, model, example.image, CPU) == evaluated).all()


def test_a_box_is_given_in_pixels_of_the_image():
    cell, model = cell_and_model("mask_box")
    example = block(128, 192, top=20, left=30, bottom=100, right=120)
    _, (evaluated,) = evaluate(cell, model, [example], CPU)
    assert (segment(cell, model, example.image, CPU, box=(30, 20, 120, 100)) == evaluated).all()
    other = segment(cell, model, example.image, CPU, box=(0, 0, 20, 20))
    assert (other != evaluated).any()


def test_points_are_given_in_pixels_of_the_image():
    cell, model = cell_and_model("points")
    seen = []
    model.register_forward_pre_hook(lambda _, arguments: seen.append(arguments[3]))
    image = made(0, height=128, width=192).image
    mask = segment(cell, model, image, CPU, points=[(96, 32), (0, 128)])
    assert mask.shape == (128, 192)
    assert seen[0].tolist() == [[[32, 16, 1], [0, 64, 1]]]


# Prompts that are wrong


@pytest.mark.parametrize(
    ("prompt", "given", "words"),
    [
        ("mask_box", {}, ["--prompt mask_box", "give --box"]),
        ("mask_box", {"points": [(1, 2)]}, ["give --box"]),
        ("mask_box", {"box": (0, 0, 9, 9), "points": [(1, 2)]}, ["give --box, and no other"]),
        ("points", {}, ["--prompt points", "give --point"]),
        ("points", {"box": (0, 0, 9, 9)}, ["give --point"]),
        ("box", {"box": (0, 0, 9, 9)}, ["--prompt box", "leave out --box"]),
        ("none", {"points": [(1, 2)]}, ["--prompt none", "leave out --point"]),
    ],
)
def test_a_prompt_that_the_model_was_not_trained_with_is_refused(prompt, given, words):
    cell, model = cell_and_model(prompt)
    with user_error(*words):
        segment(cell, model, made(0).image, CPU, **given)


# The file


def picture_of(mask, classes):
    return Image.open(io.BytesIO(mask_file(np.asarray(mask, dtype=np.uint8), classes)))


def test_the_file_of_one_class_is_black_and_white():
    picture = picture_of([[0, 1, 1], [1, 0, 0]], classes=1)
    assert (picture.format, picture.mode, picture.size) == ("PNG", "L", (3, 2))
    assert np.asarray(picture).tolist() == [[0, 255, 255], [255, 0, 0]]


@settings(deadline=None, max_examples=30)
@given(classes=st.integers(2, 255), seed=st.integers(0, 9))
def test_the_file_of_several_classes_holds_their_indices(classes, seed):
    mask = np.random.default_rng(seed).integers(0, classes, (11, 7))
    picture = picture_of(mask, classes)
    assert (picture.format, picture.mode, picture.size) == ("PNG", "P", (7, 11))
    assert (np.asarray(picture) == mask).all()


def test_neighbouring_classes_have_other_colours_and_the_background_is_black():
    colours = np.asarray(picture_of([[*range(21)]], classes=21).convert("RGB"))[0]
    assert colours[0].tolist() == [0, 0, 0]
    assert len({tuple(colour) for colour in colours}) == 21

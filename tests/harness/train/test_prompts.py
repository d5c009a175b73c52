"""Boxes and points that do not fit a model or an image are refused; a file of them is read."""

import numpy as np
import pytest
from tiny_task import tiny_cell
from user_error import user_error

from samfit.harness.train.prompts import Asked, read_prompts

BOX, POINT = [(0, 0, 9, 9)], [[(1, 2)]]


@pytest.mark.parametrize(
    ("prompt", "asked", "words"),
    [
        ("mask_box", Asked(), ["trained with the boxes of objects", "give --box"]),
        ("mask_box", Asked(points=POINT), ["give --box"]),
        ("mask_box", Asked(BOX, POINT), ["give --box, and no other"]),
        ("mask_box", Asked([(0, 0, 9)]), ["--box takes 4 numbers, got 0,0,9"]),
        ("mask_box", Asked([np.array([0, 0, 9, np.nan])]), ["--box takes 4 numbers"]),
        ("mask_box", Asked([(9, 0, 0, 9)]), ["X0 below X1", "got 9,0,0,9"]),
        ("mask_box", Asked([*BOX, (0, 9, 9, 9)]), ["Y0 below Y1", "got 0,9,9,9"]),
        ("points", Asked(), ["trained with points", "give --point"]),
        ("points", Asked(points=[[(1, 2), (3,)]]), ["--point takes 2 numbers, got 3"]),
        ("points", Asked(BOX), ["give --point"]),
        ("box", Asked(BOX), ["uses the whole image as its box and takes no --box"]),
        ("none", Asked(points=POINT), ["trained without prompts and takes no --point"]),
    ],
)
def test_a_prompt_that_the_model_was_not_trained_with_is_refused(prompt, asked, words):
    with user_error(*words):
        asked.check(tiny_cell(prompt=prompt))


@pytest.mark.parametrize(
    "asked",
    [
        Asked([(10, 0, 20, 5)]),
        Asked([(-9, -9, 0, 0)]),
        Asked(points=[[(0, 0), (10, 0)]]),
        Asked(points=[[(-1, 0)]]),
    ],
)
def test_what_lies_outside_of_the_image_is_refused(asked):
    with user_error("lies outside of a.jpg, which has 10 x 6 pixels"):
        asked.check_inside((6, 10), "a.jpg")


def test_what_reaches_into_the_image_is_not():
    Asked([(-5, -5, 3, 3), (0, 0, 10, 6)], [[(9.5, 5.5)]]).check_inside((6, 10))


def test_a_file_of_boxes(tmp_path):
    (tmp_path / "a.csv").write_text(
        "x0,y0,x1,y1,image\n1,2,3,4,a.jpg\n5,6,7,8,b\n0,0,1,1.5,a.jpg\n"
    )
    found = read_prompts(tmp_path / "a.csv")
    assert found["a.jpg"] == Asked([[1, 2, 3, 4], [0, 0, 1, 1.5]])
    assert found["a.jpg"].count == 2
    assert found["b"].count == 1


def test_a_file_of_points_by_object(tmp_path):
    rows = "image,x,y,object\na,1,2,cat\na,3,4,cat\na,5,6,dog\nb,7,8,\n"
    (tmp_path / "a.csv").write_text(rows)
    found = read_prompts(tmp_path / "a.csv")
    assert found["a"] == Asked(points=[[[1, 2], [3, 4]], [[5, 6]]])
    assert found["b"] == Asked(points=[[[7, 8]]])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "needs the columns image, x0"),
        ("image,x0,y0\na,1,2\n", "needs the columns"),
        ("image,x,y\na,1,\n", "no numbers in line 2"),
        ("image,x,y\na,1,2\nb,1\n", "no numbers in line 3"),
    ],
)
def test_a_file_of_something_else_is_refused(tmp_path, text, words):
    (tmp_path / "a.csv").write_text(text)
    with user_error("--prompts", "a.csv", words):
        read_prompts(tmp_path / "a.csv")
    with user_error("nowhere.csv"):
        read_prompts(tmp_path / "nowhere.csv")

"""Objects are drawn where annotations say, overlapping ones in layers, and nothing else is."""

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from pycocotools import mask as pycocotools
from user_error import user_error

from samfit.errors import UserError
from samfit.harness.data.outlines import Outline, Outlines

FILE = Path("x.json")
SQUARE = (2.0, 1.0, 6.0, 1.0, 6.0, 5.0, 2.0, 5.0)  # columns 2..5, rows 1..4
BESIDE = (7.0, 1.0, 9.0, 1.0, 9.0, 5.0, 7.0, 5.0)

sizes = st.tuples(st.integers(3, 20), st.integers(3, 20))


def drawn(*shapes, size=(8, 10)):
    return Outlines(FILE, size, tuple(Outline(shape) for shape in shapes)).draw(size)


def packed(mask):
    """COCO's compressed RLE of a mask."""
    runs = pycocotools.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {"size": list(runs["size"]), "counts": runs["counts"].decode()}


def counted(mask):
    """The same with its runs as numbers."""
    flat = mask.T.ravel().astype(int)
    edges = np.flatnonzero(np.diff(flat, prepend=0, append=1 - flat[-1]))
    return {"size": list(mask.shape), "counts": np.diff(edges, prepend=0).tolist()}


def test_a_polygon_covers_its_pixels():
    expected = np.zeros((1, 8, 10), np.int32)
    expected[0, 1:5, 2:6] = 1
    found = drawn((SQUARE,))
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found, expected)


def test_shares_are_of_the_image():
    shares = (0.2, 0.125, 0.6, 0.125, 0.6, 0.625, 0.2, 0.625)
    outlines = Outlines(FILE, None, (Outline((shares,)),))
    np.testing.assert_array_equal(outlines.draw((8, 10)), drawn((SQUARE,)))
    assert (outlines.draw((16, 20)) == 1).sum() == 4 * 16


def test_several_polygons_are_one_object():
    found = drawn((SQUARE, BESIDE))
    assert (found == 1).sum() == 16 + 8


def test_objects_beside_each_other_are_one_layer_and_keep_the_order_of_the_file():
    found = drawn((BESIDE,), (SQUARE,))
    assert found.shape == (1, 8, 10)
    assert found[0, 1, 7] == 1 and found[0, 1, 2] == 2


def test_overlapping_objects_are_all_kept_whole():
    shifted = tuple(value + 1 for value in SQUARE)
    found = drawn((SQUARE,), (shifted,), (BESIDE,), (SQUARE,))
    assert found.shape[0] == 3
    for number, area in ((1, 16), (2, 16), (3, 8), (4, 16)):
        assert (found == number).any(0).sum() == area


def test_an_image_without_objects_is_empty():
    assert not drawn().any()
    assert drawn().shape == (1, 8, 10)


def test_an_object_of_no_pixels_is_in_no_layer():
    found = drawn(((1.0, 1.0, 1.0, 1.0, 1.0, 1.0),), (SQUARE,))
    assert set(np.unique(found)) == {0, 2}


polygons = st.lists(
    st.tuples(st.floats(0, 20, width=32), st.floats(0, 20, width=32)), min_size=3, max_size=8
)


@settings(deadline=None, max_examples=60)
@given(points=polygons)
def test_polygons_have_the_area_that_pycocotools_says(points):
    flat = tuple(float(value) for point in points for value in point)
    runs = pycocotools.frPyObjects([list(flat)], 20, 20)
    assert drawn((flat,), size=(20, 20)).astype(bool).sum() == pycocotools.area(runs)[0]


@settings(deadline=None, max_examples=30)
@given(corners=st.tuples(*(st.integers(0, 20) for _ in range(4))), turned=st.booleans())
def test_rectangles_on_the_grid_are_exact(corners, turned):
    left, right = sorted(corners[:2])
    top, bottom = sorted(corners[2:])
    points = [(left, top), (right, top), (right, bottom), (left, bottom)]
    flat = tuple(float(value) for point in points[:: -1 if turned else 1] for value in point)
    expected = np.zeros((20, 20), bool)
    expected[top:bottom, left:right] = True
    np.testing.assert_array_equal(drawn((flat,), size=(20, 20))[0] > 0, expected)


@settings(deadline=None, max_examples=40)
@given(size=sizes, seed=st.integers(0, 99), share=st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0]))
def test_runs_are_the_mask_that_they_were_made_of(size, seed, share):
    mask = np.random.default_rng(seed).random(size) < share
    for runs in (packed(mask), counted(mask)):
        np.testing.assert_array_equal(drawn(runs, size=size)[0] > 0, mask)


@settings(deadline=None, max_examples=60)
@given(
    size=sizes,
    seed=st.integers(0, 99),
    damage=st.lists(st.tuples(st.integers(0, 99), st.characters()), min_size=1, max_size=3),
)
def test_damaged_runs_are_drawn_or_refused(size, seed, damage):
    runs = packed(np.random.default_rng(seed).random(size) < 0.5)
    text = [*runs["counts"]]
    for place, character in damage:
        text[place % len(text)] = character
    try:
        assert drawn({**runs, "counts": "".join(text)}, size=size).shape[1:] == size
    except UserError as error:
        assert "x.json" in str(error)


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ({"size": [8, 10], "counts": [10, 10]}, ["more or fewer pixels"]),
        ({"size": [8, 10], "counts": [81, -1]}, ["not one of COCO's"]),
        ({"size": [8, 10], "counts": "0 1"}, ["not one of COCO's"]),
        ({"size": [8, 10]}, ["not one of COCO's"]),
        ({"size": [10, 8], "counts": [80]}, ["[10, 8]", "[8, 10]"]),
        (((0.0, 0.0, 1e9, 0.0, 1.0, 5.0),), ["far outside"]),
    ],
)
def test_shapes_that_are_not_valid_are_refused(shape, words):
    with user_error("x.json has an object that", *words):
        drawn(shape)


def test_an_image_of_another_size_is_named():
    with user_error("x.json says 10 x 8 pixels", "20 x 8"):
        Outlines(FILE, (8, 10), ()).draw((8, 20))


def test_without_pycocotools_polygons_say_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pycocotools", None)
    with user_error('pip install "samfit[coco]"'):
        drawn((SQUARE,))
    assert drawn({"size": [8, 10], "counts": [0, 80]}).all()  # of runs it is not asked

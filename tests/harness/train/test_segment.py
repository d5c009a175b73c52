"""The files that masks become."""

import io

import numpy as np
from hypothesis import given, settings, strategies as st
from PIL import Image

from samfit.harness.train.segment import mask_file


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

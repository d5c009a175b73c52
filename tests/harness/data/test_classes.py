"""How many classes masks have, found from what they hold."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from PIL import Image
from user_error import user_error

from samfit.harness.data.classes import guess_classes


@pytest.fixture
def masks(tmp_path):
    """Makes one mask of each list of values."""

    def make(*each, kind=np.uint8):
        files = [tmp_path / f"{index}.png" for index in range(len(each))]
        for file, values in zip(files, each, strict=True):
            Image.fromarray(np.array([values], dtype=kind)).save(file)
        return files

    return make


@pytest.mark.parametrize(
    "values",
    [
        [[0, 1]],
        [[0, 255]],
        [[0, 255], [0, 1]],  # each by itself is black and white
        [[255], [255, 0]],
        [[0]],
        [[255]],
        [[1]],
    ],
)
def test_two_values_are_binary_beyond_doubt(masks, values):
    assert guess_classes(masks(*values)) == (1, ())


def test_16_bits_of_black_and_white_are_binary(masks):
    assert guess_classes(masks([0, 65535], kind=np.uint16)) == (1, ())


def test_smeared_edges_are_binary_and_remarked_upon(tmp_path):
    file = tmp_path / "a.jpg"
    disc = np.hypot(*np.mgrid[-32:32, -32:32]) < 20
    Image.fromarray((disc * 255).astype(np.uint8)).save(file)
    classes, (remark,) = guess_classes([file])
    assert classes == 1
    assert "grey" in remark


@pytest.mark.parametrize(
    ("values", "classes"),
    [([[0, 1], [2]], 3), ([[0, 2]], 3), ([[0, 1, 255]], 2), ([[0, 181, 255]], 182), ([[3]], 4)],
)
def test_class_indices_are_counted_and_remarked_upon(masks, values, classes):
    found, (remark,) = guess_classes(masks(*values))
    assert found == classes
    assert "--classes" in remark


@settings(deadline=None, max_examples=25)
@given(indices=st.lists(st.sets(st.integers(0, 20), min_size=1), min_size=1, max_size=5))
def test_the_largest_index_decides(tmp_path_factory, indices):
    folder = tmp_path_factory.mktemp("masks")
    files = [folder / f"{number}.png" for number in range(len(indices))]
    for file, values in zip(files, indices, strict=True):
        Image.fromarray(np.array([[*values]], dtype=np.uint8)).save(file)
    largest = max(set().union(*indices))
    classes, _ = guess_classes(files)
    assert classes == (largest + 1 if largest > 1 else 1)


def test_a_damaged_mask_is_named(masks):
    good, bad = masks([0, 1], [0, 1])
    bad.write_bytes(b"no picture")
    with user_error(bad.name, "damaged"):
        guess_classes([good, bad])

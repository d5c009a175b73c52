"""Data sets are opened from folders and tables, and split for validation."""

import os
from dataclasses import dataclass

import numpy as np
import pytest
from data_sets import bands, laid_out
from hypothesis import given, settings, strategies as st
from PIL import Image
from user_error import user_error

from samfit.harness.data import dataset
from samfit.harness.data.dataset import DataSet, open_folder, with_validation
from samfit.harness.data.layouts.layouts import LAYOUTS
from samfit.harness.data.reading import Reading

PAIRS = ("images/a.png", "masks/a.png")


@dataclass(frozen=True)
class Named:
    """An example that is never read."""

    name: str

    def read(self):
        raise AssertionError


def data_set(count):
    return DataSet(name="d", classes=1, train=tuple(Named(f"{i:04}") for i in range(count)))


def test_a_folder(tree):
    root = tree(*PAIRS)
    data = open_folder(root)
    assert (data.name, data.classes, data.class_names) == (root.name, 1, ())
    assert (len(data.train), data.val, data.test, data.remarks) == (1, (), (), ())
    image, mask = data.train[0].read()
    assert image.shape == (2, 2, 3)
    assert mask.tolist() == [[0, 1], [1, 0]]


def test_a_folder_by_its_relative_path(tree, monkeypatch):
    monkeypatch.chdir(tree(*PAIRS, below="leaves"))
    assert open_folder(dataset.Path()).name == "leaves"


def test_tables_come_before_folders(tree):
    root = tree(*PAIRS)
    (root / "val.csv").write_text("image,label\nimages/a.png,masks/a.png\n")
    data = open_folder(root)
    assert not data.train
    assert data.val[0].read()[1].tolist() == [[0, 1], [1, 0]]


def test_a_table(tree):
    root = tree(*PAIRS)
    (root / "PAIRS.CSV").write_text("image,label\nimages/a.png,masks/a.png\n")
    assert [example.name for example in open_folder(root / "PAIRS.CSV").train] == ["a"]


def test_classes_are_found_and_remarked_upon(tree):
    root = tree(*PAIRS)
    Image.fromarray(np.array([[0, 4], [255, 2]], dtype=np.uint8)).save(root / "masks" / "a.png")
    data = open_folder(root)
    assert data.classes == 5
    assert "found 5" in data.remarks[0]
    assert data.train[0].read()[1].tolist() == [[0, 4], [255, 2]]


def test_a_mask_of_the_test_split_counts_as_well(tmp_path):
    masks = [bands("a", 3), bands("b", 5)]
    laid_out(tmp_path, masks[:1], "train/images/{}.png", "train/masks/{}.png")
    laid_out(tmp_path, masks[1:], "test/images/{}.png", "test/masks/{}.png")
    assert open_folder(tmp_path).classes == 5


def test_classes_that_are_given_are_not_found_out(tree):
    data = open_folder(tree(*PAIRS), Reading(classes="3", ignore="255"))
    assert (data.classes, data.kind) == (3, "classes")


def test_a_paper_s_data_set_brings_its_classes(tree):
    root = tree("train/images/1.png", "train/masks_12/1_mask.png")
    data = open_folder(root, Reading(layout="trans10k_v2"))
    assert (data.name, data.classes, len(data.class_names)) == ("Trans10K v2", 12, 12)
    other = open_folder(root, Reading(layout="trans10k_v2", classes="13"))
    assert (other.classes, other.class_names) == (13, ())


def test_a_misspelt_layout_is_named(tmp_path):
    with user_error("cod10", "did you mean 'cod10k'"):
        open_folder(tmp_path, Reading(layout="cod10"))
    assert LAYOUTS[0] == "auto"


@pytest.mark.parametrize("classes", [-1, 255, 256])
def test_a_number_of_classes_that_a_mask_cannot_hold_is_refused(tree, classes):
    with user_error("--classes", str(classes)):
        open_folder(tree(*PAIRS), Reading(classes=str(classes)))


@pytest.mark.parametrize("name", ["nowhere", "images/a.png", "x" * 300])
@pytest.mark.parametrize("layout", ["auto", "camo"])
def test_what_is_no_folder_and_no_table_is_named(tree, name, layout):
    with user_error(name, "--data"):
        open_folder(tree(*PAIRS) / name, Reading(layout=layout))


def test_a_folder_that_cannot_be_read_is_named(tree, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    root = tree(*PAIRS)
    monkeypatch.setattr(os, "scandir", refuse)
    with user_error(str(root), "Permission denied"):
        open_folder(root)


@settings(deadline=None)
@given(
    count=st.integers(2, 200),
    share=st.floats(0, 1, exclude_min=True, exclude_max=True),
    seed=st.integers(0, 2**63 - 1),
)
def test_held_out_examples_are_a_share_and_the_same_for_a_seed(count, share, seed):
    data = data_set(count)
    split = with_validation(data, share, seed)
    assert sorted([*split.train, *split.val], key=lambda each: each.name) == [*data.train]
    assert split.train
    assert split.val
    assert len(split.val) == pytest.approx(share * count, abs=1)
    assert split == with_validation(data, share, seed)
    for examples in (split.train, split.val):
        assert [*examples] == sorted(examples, key=lambda each: each.name)


def test_another_seed_holds_out_others():
    data = data_set(100)
    assert with_validation(data, 0.1, seed=0) != with_validation(data, 0.1, seed=1)


def test_what_is_held_out_stays_the_same_from_version_to_version():
    held = with_validation(data_set(20), 0.2, seed=0).val
    assert [example.name for example in held] == ["0001", "0008", "0012", "0013"]


def test_a_data_set_with_validation_is_left_alone_and_0_holds_nothing_out():
    data = DataSet(name="d", classes=1, train=(Named("a"),), val=(Named("b"),))
    assert with_validation(data, 0.5, seed=0) is data
    assert with_validation(data_set(1), 0, seed=0) == data_set(1)


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_to_share_are_refused(count):
    images = "1 training image" if count else "no training images"
    with user_error(f"d has {images}; holding out needs at least 2"):
        with_validation(data_set(count), 0.5, seed=0)


@pytest.mark.parametrize("share", [1, 1.5, -0.5, float("nan")])
def test_a_share_is_from_0_to_below_1(share):
    with user_error("--hold-out", "from 0 to below 1", str(share)):
        with_validation(data_set(5), share, seed=0)

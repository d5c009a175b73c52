"""All that is wrong with a data set is found before training starts."""

from dataclasses import dataclass

import numpy as np
import pytest
from tiny_task import Told
from user_error import user_error

from samfit.harness.data.check import check, check_images
from samfit.harness.data.dataset import open_folder


@dataclass(frozen=True)
class Drawn:
    """An example without files."""

    mask: list[list[int]]
    name: str = "drawn"

    def read(self):
        mask = np.array(self.mask, dtype=np.uint8)
        return np.zeros((*mask.shape, 3), dtype=np.uint8), mask


def test_progress_is_told_of_each():
    told = Told()
    check([Drawn([[1]])] * 7, told)
    assert told.tracked == [("checking images", 7, 7)]


@pytest.mark.parametrize("mask", [[[0, 0]], [[0, 255]]])
def test_masks_that_are_all_empty_are_refused(mask):
    with user_error("none of the 3 masks", "--ignore"):
        check([Drawn(mask)] * 3)


def test_one_fault_alone_is_one_sentence(tree):
    data = open_folder(tree("images/a.png", "images/b.png", "masks/a.png", "masks/b.png"))
    data.train[1].files.image.path.write_bytes(b"no picture")
    with user_error("b.png is damaged"):
        check(data.train)


def test_several_faults_are_counted(tree):
    paths = [f"{role}/{name}.png" for role in ("images", "masks") for name in "abcd"]
    data = open_folder(tree(*paths))
    images = [example.files.image.path for example in data.train]
    images[1].write_bytes(b"no picture")
    images[2].write_bytes(b"")
    images[3].unlink()
    told = Told()
    with user_error("b.png is damaged", "one of 3"):
        check(data.train, told)
    assert told.tracked == [("checking images", 4, 4)]


def test_images_without_masks_are_read_as_well(tree):
    images = [tree("a.png", "b.png", "c.png") / name for name in ("a.png", "b.png", "c.png")]
    check_images(images)
    images[1].write_bytes(b"no picture")
    images[2].unlink()
    with user_error("b.png is damaged", "one of 2"):
        check_images(images)

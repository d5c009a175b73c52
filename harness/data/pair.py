"""Pair: an example in two files."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from samfit.errors import UserError
from samfit.harness.data.example import IGNORED
from samfit.harness.data.pixels import PictureError, grey, load, reading, rgb, upright


@dataclass(frozen=True)
class Pair:
    """An image file and the file of its mask.

    Attributes:
        image, mask: the files.
        name: unique in its split.
        classes: 1 for a binary mask; else the number of class indices, background included.
    """

    image: Path
    mask: Path
    name: str
    classes: int

    def read(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """The image (H, W, 3), RGB in 0..255, and the mask (H, W).

        Both are turned as their EXIF data says. If only the image as stored has the mask's size, it
        is taken as stored: so it was when the mask was drawn.

        Raises:
            UserError: if a file cannot be used, or the mask has another size than the image.
        """
        mask = read_mask(self.mask, self.classes)
        with reading(self.image):
            stored = load(self.image)
            for image in (upright(stored), stored):
                if image.size == mask.shape[::-1]:
                    return rgb(image), mask
        raise UserError(
            f"{self.mask} has {mask.shape[1]} x {mask.shape[0]} pixels, but its image {self.image} "
            f"has {stored.width} x {stored.height}: give a mask of the image's size."
        )


def read_image(path: Path) -> NDArray[np.uint8]:
    """The image (H, W, 3) in a file, RGB in 0..255, turned as its EXIF data says.

    16 bits are scaled to 8, from the whole range; transparency is dropped.

    Raises:
        UserError: if it cannot be read.
    """
    with reading(path):
        return rgb(upright(load(path)))


def read_mask(path: Path, classes: int) -> NDArray[np.uint8]:
    """The mask (H, W) in a file: of 0 and 1 if ``classes`` is 1, else class indices.

    A binary mask may be 0 and 1, or black and white with smeared edges, of 8 or 16 bits; what is
    brighter than half is foreground. For a palette, class indices are the indices of its colours.

    Raises:
        UserError: if it cannot be read, holds colours, or a class that there is not.
    """
    with reading(path):
        image = load(path)
        if classes > 1 and image.format == "JPEG":
            raise PictureError("is a JPEG, which blurs class indices: save masks as PNG")
        values = grey(upright(image))
        return _foreground(values) if classes == 1 else _indices(values, classes)


def _foreground(values: NDArray[np.integer]) -> NDArray[np.uint8]:
    # Half, since JPEG and resizing leave edges and faint specks around what is black or white; so
    # do the toolboxes for camouflaged objects (> 128 of 255), while CAD's code takes all that is
    # not 0. A mask that goes no higher than 1 has no such edges.
    most = values.max()
    half = 0 if most <= 1 else 127 if most <= 255 else 32767
    return (values > half).astype(np.uint8)


def _indices(values: NDArray[np.integer], classes: int) -> NDArray[np.uint8]:
    wrong = values[(values >= classes) & (values != IGNORED)]
    if wrong.size:
        raise PictureError(
            f"holds the class {wrong.max()}, but with --classes {classes} a mask holds 0 to "
            f"{classes - 1}, and {IGNORED} for unlabelled pixels: correct the mask or --classes"
        )
    return values.astype(np.uint8)

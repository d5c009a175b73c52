"""Pair: an example in files."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from samfit.errors import UserError
from samfit.harness.data.example import Mask
from samfit.harness.data.files.contents import Contents
from samfit.harness.data.files.fault import naming
from samfit.harness.data.files.intensity import Intensity, check_range, to_pixels
from samfit.harness.data.files.read import glance, probe, read_pixels
from samfit.harness.data.listing import Files
from samfit.harness.data.mask_reader import MaskReader
from samfit.harness.data.measured import Measured
from samfit.harness.data.outlines import Outlines
from samfit.harness.data.source import Source


@dataclass(frozen=True)
class Pair:
    """An image and its mask, in files.

    Attributes:
        files: where they are.
        contents: of the image's file.
        masks: how masks are read.
        intensity: the range of the image's values, and its channels.
        measured: what the mask holds.
    """

    files: Files
    contents: Contents
    masks: MaskReader
    intensity: Intensity
    measured: Measured

    @property
    def name(self) -> str:
        """Unique in its split."""
        return self.files.name

    @property
    def size(self) -> tuple[int, int]:
        """Height and width, without reading it."""
        return self.measured.height, self.measured.width

    def read(self) -> tuple[NDArray[np.uint8], Mask]:
        """The image (H, W, 3), RGB in 0..255, and its mask, as ``Example`` says.

        Both are turned as their EXIF data says. If only the image as stored has the mask's size, it
        is taken as stored: so it was when the mask was drawn.

        Raises:
            UserError: if a file cannot be used, or the mask has another size than the image.
        """
        mask = self.masks.read(self.files, self.contents)
        raster = read_pixels(self.files.image)
        upright = fits_upright(self.files, self.contents, mask)
        with naming(self.files.image.path):
            return to_pixels(raster.upright() if upright else raster.values, self.intensity), mask

    def glance(self) -> None:
        """Look whether the image can be read, at less cost than ``read`` where there is a way.

        Raises:
            UserError: if it cannot.
        """
        glance(self.files.image)


def read_image(path: Path, intensity: Intensity) -> NDArray[np.uint8]:
    """The image (H, W, 3) in a file, for a model whose training images had ``intensity``.

    It is RGB in 0..255, turned as its EXIF data says.

    Raises:
        UserError: if it cannot be read, or has another range of values.
    """
    source = Source(path)
    if (pages := probe(source).pages) > 1:
        raise UserError(f"{path} has {pages} pages: give them as images of their own.")
    values = read_pixels(source).upright()
    with naming(path):
        check_range(values, intensity)
        return to_pixels(values, intensity)


def fits_upright(files: Files, contents: Contents, mask: Mask) -> bool:
    """Whether a mask has the size of its image turned as EXIF says; else as stored.

    Raises:
        UserError: if it has neither.
    """
    size = mask.shape[-2:]
    if size == contents.upright_size:
        return True
    if size == contents.size:
        return False
    drawn = files.masks.file if isinstance(files.masks, Outlines) else files.masks[0].path
    raise UserError(
        f"{drawn} has {size[1]} x {size[0]} pixels, but its image {files.image.path} has "
        f"{contents.size[1]} x {contents.size[0]}: give a mask of the image's size."
    )

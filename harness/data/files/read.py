"""Read a file of pictures, whatever its format."""

from pathlib import Path

import numpy as np

from samfit.errors import UserError
from samfit.harness.data.files import arrays, picture, tiff
from samfit.harness.data.files.contents import Contents
from samfit.harness.data.files.fault import naming
from samfit.harness.data.files.raster import Raster
from samfit.harness.data.source import ALL_PAGES, Source

PICTURES = (
    ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".tif", ".tiff", ".bmp", ".gif", ".webp", ".ppm",
    ".pgm", ".pbm", ".pnm", ".jp2",
)  # fmt: skip
ARRAYS = (".npy", ".npz", ".nii", ".nii.gz")


def is_picture(name: str) -> bool:
    """Whether a file of this name is a picture: by its ending, and not hidden."""
    return not name.startswith(".") and name.lower().endswith(PICTURES)


def probe(source: Source) -> Contents:
    """What a file contains, told by its head.

    Raises:
        UserError: if it cannot be read.
    """
    if source.more:
        return _of_channels(source)
    with naming(source.path):
        if _is_array(source.path):
            found = arrays.contents(source)
        else:
            reader = tiff if tiff.is_tiff(source.path) else picture
            found = reader.contents(source.path)
        if source.page == ALL_PAGES:
            return found._replace(channels=found.pages, pages=1, axes="")
        return found


def read_pixels(source: Source) -> Raster:
    """The values of an image: (H, W) or (H, W, C) of any type; transparency is dropped.

    Raises:
        UserError: if it cannot be read.
    """
    if source.more:
        first, *others = map(read_pixels, source.files)
        return first._replace(values=np.stack([first.values, *(o.values for o in others)], -1))
    with naming(source.path):
        if _is_array(source.path):
            return arrays.values(source)
        if tiff.is_tiff(source.path) and not tiff.needs_pillow(source.path, transparency=False):
            return tiff.values(source.path, source.page)
        return picture.pixels(source.path, source.page)


def read_values(source: Source) -> Raster:
    """The values of a mask: grey levels, indices or ids (H, W), or colours (H, W, 3).

    Of a palette, its indices; what is transparent is 0.

    Raises:
        UserError: if it cannot be read.
    """
    with naming(source.path):
        if _is_array(source.path):
            return arrays.values(source)
        if tiff.is_tiff(source.path) and not tiff.needs_pillow(source.path, transparency=True):
            return picture.without_colour(tiff.values(source.path, source.page))
        return picture.values(source.path, source.page)


def glance(source: Source) -> None:
    """Look whether an image can be read, at less cost than reading it where there is a way.

    Raises:
        UserError: if it cannot.
    """
    if source.more:
        for each in source.files:
            glance(each)
        return
    with naming(source.path):
        if _is_array(source.path) or tiff.is_tiff(source.path):
            read_pixels(source)
        else:
            picture.glance(source.path)


def _of_channels(source: Source) -> Contents:
    """What files of one channel each contain together."""
    first, *others = map(probe, source.files)
    for path, other in zip((source.path, *source.more), (first, *others), strict=True):
        if other != first or other.channels != 1:
            raise UserError(
                f"{path} is not one channel of the same size and type as {source.path}: "
                "replace one of them."
            )
    return first._replace(channels=1 + len(others))


def _is_array(path: Path) -> bool:
    return path.name.lower().endswith(ARRAYS)

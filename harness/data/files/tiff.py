"""TIFF files as tifffile reads them: pages and channels by the names that ImageJ and OME give."""

from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samfit.harness.data.files.contents import Contents
from samfit.harness.data.files.picture import by_pillow
from samfit.harness.data.files.raster import Raster, Values

MAGIC = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")  # of TIFF and BigTIFF
CHANNELS = "CS"  # tifffile's letters: channels, and samples of a pixel
UNNAMED = "QI"  # of pages that nobody named
PLAIN = ("MINISWHITE", "MINISBLACK", "RGB", "MASK")  # photometric interpretations
ORIENTATION = 274  # TIFF's tag


def is_tiff(path: Path) -> bool:
    """Whether a file begins as TIFF files do."""
    with path.open("rb") as file:
        return file.read(4) in MAGIC


def contents(path: Path) -> Contents:
    """What a TIFF file contains; of pictures of several sizes, the first."""
    with _series(path) as (file, series):
        first = series.keyframe
        axes, shape = series.axes, series.shape
        sizes = dict(zip(axes, shape, strict=True))
        channels = prod(sizes[axis] for axis in set(axes) & set(CHANNELS))
        converted = first.photometric.name not in PLAIN  # by Pillow, to RGB
        tag = first.tags.get(ORIENTATION)
        return Contents(
            sizes["Y"],
            sizes["X"],
            3 if converted else channels - _alphas(first),
            str(np.dtype(series.dtype)),
            prod(size for axis, size in sizes.items() if axis not in f"YX{CHANNELS}"),
            unnamed=any(axis in UNNAMED for axis in axes),
            orientation=int(tag.value) if tag else 1,
            others=len(file.series) - 1,
        )


def values(path: Path, page: int) -> Raster:
    """The values of one page: (H, W) or (H, W, C), without transparency; page -1 is all pages,
    as channels."""
    with _series(path) as (_, series):
        first = series.keyframe
        tag = first.tags.get(ORIENTATION)
        alphas = _alphas(first)
        inverted = first.photometric.name == "MINISWHITE"
        stack = _planes(path, series, page)
    if stack.ndim == 3:
        stack = stack[..., : stack.shape[2] - alphas]
        stack = stack[..., 0] if stack.shape[2] == 1 else stack
    if inverted:
        stack = ~stack if stack.dtype.kind in "ub" else stack.max() - stack
    return Raster(stack, int(tag.value) if tag else 1)


def needs_pillow(path: Path, transparency: bool) -> bool:
    """Whether Pillow is to read a file: one of other colours than RGB, or with a palette; or, if
    ``transparency`` counts, one of 8 bits that has it."""
    with _series(path) as (_, series):
        first = series.keyframe
        bytes_ = np.dtype(series.dtype) == np.uint8
        transparent = transparency and bytes_ and _alphas(first) > 0
        return first.photometric.name not in PLAIN or transparent


@contextmanager
def _series(path: Path) -> Iterator[tuple[Any, Any]]:
    import tifffile  # late: it takes a while to import

    with tifffile.TiffFile(path) as file:
        yield file, file.series[0]


def _alphas(page: Any) -> int:
    """Transparent samples of a pixel."""
    return sum(kind in (1, 2) for kind in page.extrasamples)


def _planes(path: Path, series: Any, page: int) -> Values:
    """One page (H, W), or (H, W, C) with its channels last; page -1 has all pages as channels."""
    own = series.keyframe.axes  # of what is stored together: YX, YXS or SYX
    leading = series.axes[: len(series.axes) - len(own)]
    count = prod(series.shape[: len(leading)])
    places = np.arange(count).reshape(series.shape[: len(leading)])
    channels = [index for index, axis in enumerate(leading) if axis in CHANNELS]
    places = np.moveaxis(places, channels, range(-len(channels), 0)) if channels else places
    places = places.reshape(-1, prod(series.shape[index] for index in channels))
    wanted = places.ravel() if page < 0 else places[page]
    decoded = np.stack([_channels_last(one, own) for one in _decoded(path, series, wanted)])
    if len(decoded) == 1:
        return decoded[0]
    return np.concatenate([one[..., None] if one.ndim == 2 else one for one in decoded], axis=2)


def _channels_last(values: Values, axes: str) -> Values:
    return np.moveaxis(values, axes.index("S"), -1) if "S" in axes else values


def _decoded(path: Path, series: Any, wanted: NDArray[np.int64]) -> list[Values]:
    """What is stored at the places ``wanted`` of a series."""
    own = series.shape[len(series.shape) - len(series.keyframe.axes) :]
    try:
        if len(series.pages) == prod(series.shape) // prod(own) and all(series.pages):
            return [series.pages[int(place)].asarray().reshape(own) for place in wanted]
        return [*series.asarray().reshape(-1, *own)[wanted]]
    except ValueError as error:
        if "imagecodecs" not in str(error):
            raise
        # A compression that Pillow's own libraries know.
        return [*by_pillow(path, int(wanted.max()) + 1)[wanted]]

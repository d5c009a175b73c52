"""Look: what tells the meaning of a mask's values, without any meaning taken for granted."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samfit.harness.data.masks.distinct import distinct, narrow, packed

LOOKED_AT = 512  # pixels of a side in which regions are counted; rows in which slopes are
CLOSE = 5  # pixels of a side around a pixel
AT_AN_END = 0.15  # of all levels: what is so near the least or the largest is black or white
NEAR = 0.06  # of all levels: so near the least or the largest, a pixel is not between them


@dataclass(frozen=True)
class Look:
    """One mask.

    Attributes:
        pixels: how many have each value; colours are 0xRRGGBB.
        colours: whether values are colours.
        fractions: whether there are values that are no whole numbers.
        numbers: whether all values are numbers: none is infinite or NaN.
        lossy: whether the file's format changes values.
        regions: values other than 0 that were seen in a small copy of the mask.
        alone: how many of these form a single region there.
        touching: whether two of these are neighbours there.
        between: pixels well between the least and the largest value, in some of the rows.
        slopes: how many of these lie on a slope: of their two neighbours in a row or in a column
            one is less and one more. So do smeared edges; regions do not.
        meetings: how many lie where black meets white, which are both close by; only of masks whose
            format changes values, since there even regions have slopes.
    """

    pixels: dict[float, int]
    colours: bool = False
    fractions: bool = False
    numbers: bool = True
    lossy: bool = False
    regions: int = 0
    alone: int = 0
    touching: bool = False
    between: int = 0
    slopes: int = 0
    meetings: int = 0

    @property
    def values(self) -> set[float]:
        """All values that occur."""
        return {*self.pixels}


def look(values: NDArray[Any], lossy: bool = False) -> Look:
    """Look at the values of a mask: (H, W) of any type, or colours (H, W, 3)."""
    colours = values.ndim == 3
    values = packed(values) if colours else narrow(values)
    found, counts = distinct(values)
    pixels = dict(zip(found.tolist(), counts.tolist(), strict=True))
    if not np.isfinite(found).all():
        return Look(pixels, colours, numbers=False)
    fractions = values.dtype.kind == "f" and bool((found % 1 != 0).any())
    if len(pixels) <= 2:
        return Look(pixels, colours, fractions, lossy=lossy)
    regions, alone, touching = (0, 0, False) if fractions or lossy else _regions(values)
    between, *on = (0, 0, 0) if colours else _edges(values, found[0], found[-1], lossy)
    return Look(pixels, colours, fractions, True, lossy, regions, alone, touching, between, *on)


def _regions(values: NDArray[Any]) -> tuple[int, int, bool]:
    """How many values other than 0 there are in a small copy, how many form one region, and whether
    some touch."""
    from skimage.measure import label  # late: it takes a while to import

    step = -(-max(values.shape) // LOOKED_AT)
    small = np.ascontiguousarray(values[::step, ::step]).astype(np.int64)
    marked = label(small, connectivity=2)
    _, first = np.unique(marked, return_index=True)
    of_regions = small.flat[first]
    _, counts = np.unique(of_regions[of_regions != 0], return_counts=True)
    touching = _touch(small[1:], small[:-1]) or _touch(small[:, 1:], small[:, :-1])
    return len(counts), int((counts == 1).sum()), touching


def _touch(ones: NDArray[Any], others: NDArray[Any]) -> bool:
    return bool(((ones != others) & (ones != 0) & (others != 0)).any())


def _edges(values: NDArray[Any], low: float, high: float, lossy: bool) -> tuple[int, int, int]:
    """How many pixels are well between ``low`` and ``high``, and how many of these lie on slopes,
    and, if ``lossy``, where both meet."""
    step = max(1, (len(values) - 2) // LOOKED_AT)
    # Rows as they are, and those above and below; columns but the first and the last.
    count = len(range(1, len(values) - 1, step))
    above, here, below = (values[at::step][:count] for at in range(3))
    left, right = here[:, :-2], here[:, 2:]
    above, middle, below = above[:, 1:-1], here[:, 1:-1], below[:, 1:-1]
    levels = float(high) - float(low)
    margin = NEAR * levels
    between = (middle > low + margin) & (middle < high - margin)
    sloping = _sloping(left, middle, right) | _sloping(above, middle, below)
    met = 0
    if lossy:
        meeting = _meeting(values, low + AT_AN_END * levels, high - AT_AN_END * levels)
        met = int(np.count_nonzero(between & meeting[1::step][:count, 1:-1]))
    return int(np.count_nonzero(between)), int(np.count_nonzero(between & sloping)), met


def _meeting(values: NDArray[Any], dark: float, bright: float) -> NDArray[np.bool_]:
    """Where a value up to ``dark`` and one from ``bright`` are close by."""
    import cv2  # late: it takes a while to import

    around = np.ones((CLOSE, CLOSE), np.uint8)
    values = np.ascontiguousarray(values)
    return np.asarray((cv2.erode(values, around) < dark) & (cv2.dilate(values, around) > bright))


def _sloping(one: NDArray[Any], middle: NDArray[Any], other: NDArray[Any]) -> NDArray[np.bool_]:
    """Where ``middle`` is more than one neighbour and less than the other."""
    return np.asarray(((one < middle) & (middle < other)) | ((one > middle) & (middle > other)))

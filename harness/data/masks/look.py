"""Look: what tells the meaning of a mask's values, without any meaning taken for granted."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samfit.harness.data.masks.distinct import distinct, narrow, packed

LOOKED_AT = 512  # pixels of a side in which regions are counted; rows in which slopes are
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
    between, slopes = (0, 0) if colours else _slopes(values, found[0], found[-1])
    return Look(pixels, colours, fractions, True, lossy, regions, alone, touching, between, slopes)


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


def _slopes(values: NDArray[Any], low: float, high: float) -> tuple[int, int]:
    """How many pixels are well between ``low`` and ``high``, and how many of these on slopes."""
    step = max(1, (len(values) - 2) // LOOKED_AT)
    # Rows as they are, and those above and below; columns but the first and the last.
    count = len(range(1, len(values) - 1, step))
    above, here, below = (values[at::step][:count] for at in range(3))
    left, right = here[:, :-2], here[:, 2:]
    above, middle, below = above[:, 1:-1], here[:, 1:-1], below[:, 1:-1]
    margin = NEAR * (float(high) - float(low))
    between = (middle > low + margin) & (middle < high - margin)
    sloping = _sloping(left, middle, right) | _sloping(above, middle, below)
    return int(np.count_nonzero(between)), int(np.count_nonzero(between & sloping))


def _sloping(one: NDArray[Any], middle: NDArray[Any], other: NDArray[Any]) -> NDArray[np.bool_]:
    """Where ``middle`` is more than one neighbour and less than the other."""
    return np.asarray(((one < middle) & (middle < other)) | ((one > middle) & (middle > other)))

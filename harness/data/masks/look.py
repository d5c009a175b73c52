"""Look: what tells the meaning of a mask's values, without any meaning taken for granted."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

LOOKED_AT = 512  # pixels of a side in which regions are counted
ROWS = 1024  # in which neighbours are compared


@dataclass(frozen=True)
class Look:
    """One mask.

    Attributes:
        pixels: how many have each value; colours are 0xRRGGBB.
        colours: whether values are colours.
        fractions: whether there are values that are no whole numbers.
        lossy: whether the file's format changes values.
        regions: values other than 0 that were seen in a small copy of the mask.
        alone: how many of these form a single region there.
        flat: of the pixels that hold neither the least nor the largest value, the share whose right
            neighbour holds the same; 1 if there are none.
    """

    pixels: dict[float, int]
    colours: bool = False
    fractions: bool = False
    lossy: bool = False
    regions: int = 0
    alone: int = 0
    flat: float = 1.0

    @property
    def values(self) -> set[float]:
        """All values that occur."""
        return {*self.pixels}


def look(values: NDArray[Any], lossy: bool = False) -> Look:
    """Look at the values of a mask: (H, W) of any type, or colours (H, W, 3)."""
    colours = values.ndim == 3
    if colours:
        values = packed(values)
    pixels = _counted(values)
    fractions = values.dtype.kind == "f" and any(not float(v).is_integer() for v in pixels)
    regions, alone = _regions(values) if len(pixels) > 2 and not (fractions or lossy) else (0, 0)
    return Look(pixels, colours, fractions, lossy, regions, alone, _flat(values, pixels))


def packed(colours: NDArray[Any]) -> NDArray[np.int64]:
    """Colours (H, W, 3) as one number each, 0xRRGGBB if they are of 8 bits."""
    bits = 8 * colours.dtype.itemsize
    red, green, blue = (colours[..., index].astype(np.int64) for index in range(3))
    return (red << 2 * bits) | (green << bits) | blue


def _counted(values: NDArray[Any]) -> dict[float, int]:
    if values.dtype == np.bool_:
        values = values.view(np.uint8)
    if values.dtype in (np.uint8, np.uint16):
        import cv2  # late: it takes a while to import

        top = 256 if values.dtype == np.uint8 else 65536
        parts = [cv2.calcHist([part], [0], None, [top], [0, top]) for part in _parts(values)]
        counts = np.stack(parts).astype(np.int64).sum(0).ravel()
        return {int(value): int(counts[value]) for value in np.flatnonzero(counts)}
    found, counts = np.unique(values, return_counts=True)
    return dict(zip(found.tolist(), counts.tolist(), strict=True))


def _parts(values: NDArray[Any]) -> list[NDArray[Any]]:
    """Parts of so few pixels that a histogram's float32 counts them exactly."""
    rows = max(1, 2**24 // values.shape[1])
    return [np.ascontiguousarray(values[at : at + rows]) for at in range(0, len(values), rows)]


def _regions(values: NDArray[Any]) -> tuple[int, int]:
    """How many values other than 0 there are in a small copy, and how many form one region."""
    from skimage.measure import label  # late: it takes a while to import

    step = -(-max(values.shape) // LOOKED_AT)
    small = np.ascontiguousarray(values[::step, ::step]).astype(np.int64)
    marked = label(small, connectivity=2)
    _, first = np.unique(marked, return_index=True)
    of_regions = small.flat[first]
    _, counts = np.unique(of_regions[of_regions != 0], return_counts=True)
    return len(counts), int((counts == 1).sum())


def _flat(values: NDArray[Any], pixels: dict[float, int]) -> float:
    if len(pixels) <= 2:
        return 1.0
    rows = values[:: max(1, len(values) // ROWS)]
    left, right = rows[:, :-1], rows[:, 1:]
    between = (left != min(pixels)) & (left != max(pixels))
    count = np.count_nonzero(between)
    return np.count_nonzero(between & (left == right)) / count if count else 1.0

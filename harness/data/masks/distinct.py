"""The different values of a picture, which are few: what is asked of all is asked of these once."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[Any]

COUNTED_AT_ONCE = 2**24  # pixels that a histogram's float32 counts exactly


def distinct(values: Values) -> tuple[Values, NDArray[np.int64]]:
    """The different values of (H, W), from the least, and how many pixels have each."""
    values = narrow(values)
    if values.dtype in (np.uint8, np.uint16):
        counts = _histogram(values)
        found = np.flatnonzero(counts)
        return found, counts[found]
    firsts, lengths = _runs(values)
    found, which = np.unique(values.ravel()[firsts], return_inverse=True)
    return found, np.bincount(which, lengths, len(found)).astype(np.int64)


def mapped(values: Values, to: Callable[[Values], Values]) -> Values:
    """What ``to`` gives for each of the values (H, W); it is called with the different ones."""
    values = narrow(values)
    if values.dtype in (np.uint8, np.uint16):
        found = np.flatnonzero(_histogram(values))
        made = to(found)
        table = np.zeros(np.iinfo(values.dtype).max + 1, made.dtype)
        table[found] = made
        if values.dtype == made.dtype == np.uint8:
            import cv2  # late: it takes a while to import

            return cv2.LUT(np.ascontiguousarray(values), table)
        return table[values]
    firsts, lengths = _runs(values)
    found, which = np.unique(values.ravel()[firsts], return_inverse=True)
    return np.repeat(to(found)[which], lengths).reshape(values.shape)


def narrow(values: Values) -> Values:
    """The same values in 8 or 16 bits, if these hold them."""
    if values.dtype == np.bool_:
        return values.view(np.uint8)
    if values.dtype in (np.uint8, np.uint16) or not values.size:
        return values
    if not (values.min() >= 0 and values.max() <= np.iinfo(np.uint16).max):  # nor if one is NaN
        return values
    smaller = values.astype(np.uint16)
    return smaller if values.dtype.kind in "iu" or (smaller == values).all() else values


def packed(colours: Values) -> Values:
    """Colours (H, W, 3) as one number each, 0xRRGGBB if they are of 8 bits."""
    if colours.dtype == np.uint8:
        four = np.zeros((*colours.shape[:2], 4), np.uint8)
        four[..., :3] = colours[..., ::-1]
        return four.view("<u4")[..., 0]
    bits = 8 * colours.dtype.itemsize
    red, green, blue = (colours[..., index].astype(np.int64) for index in range(3))
    return (red << 2 * bits) | (green << bits) | blue


def _histogram(values: Values) -> NDArray[np.int64]:
    import cv2  # late: it takes a while to import

    top = np.iinfo(values.dtype).max + 1
    rows = max(1, COUNTED_AT_ONCE // max(1, values.shape[1]))
    total = np.zeros(top, np.int64)
    for at in range(0, len(values), rows):
        part = np.ascontiguousarray(values[at : at + rows])
        total += cv2.calcHist([part], [0], None, [top], [0, top]).ravel().astype(np.int64)
    return total


def _runs(values: Values) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where equal neighbours begin, row after row, and how many they are."""
    flat = values.ravel()
    firsts = np.flatnonzero(np.concatenate(([True], flat[1:] != flat[:-1])))
    return firsts, np.diff(firsts, append=flat.size)

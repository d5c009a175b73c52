"""Objects that may overlap, in as few layers as hold them all."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray


def layers(
    objects: Iterable[NDArray[np.bool_]], size: tuple[int, int], ids: Sequence[int] | None = None
) -> NDArray[np.int32]:
    """Layers of ids (L, H, W), L at least 1: each object in the first where it covers no other.

    Args:
        objects: masks (H, W), one at a time.
        size: H and W.
        ids: of the objects. Default: counted from 1.
    """
    found = [np.zeros(size, np.int32)]
    for index, whole in enumerate(objects):
        window = _window(whole)
        inside = whole[window]
        layer = next((each for each in found if not each[window][inside].any()), None)
        if layer is None:
            layer = np.zeros(size, np.int32)
            found.append(layer)
        layer[window][inside] = ids[index] if ids else index + 1
    return np.stack(found)


def _window(mask: NDArray[np.bool_]) -> tuple[slice, slice]:
    """The rows and columns that hold all of a mask: small objects of a large image take little."""
    rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    if not len(rows):
        return slice(0), slice(0)
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)

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
    for index, inside in enumerate(objects):
        for layer in found:
            if not layer[inside].any():
                break
        else:
            layer = np.zeros(size, np.int32)
            found.append(layer)
        layer[inside] = ids[index] if ids else index + 1
    return np.stack(found)

"""Objects as annotation files draw them: polygons, or runs of pixels (RLE)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Outline(NamedTuple):
    """One object.

    Attributes:
        shape: its polygons, each as x0, y0, x1, y1, ... in pixels; or COCO's RLE.
        category: 0-based index of what it is.
    """

    shape: tuple[tuple[float, ...], ...] | Mapping[str, Any]
    category: int = 0


class Outlines(NamedTuple):
    """The objects of one image.

    Attributes:
        file: where they are written, for messages.
        size: height and width of the image that they are drawn on; None if coordinates are shares
            of it, as in YOLO's files.
        objects: in the order of the file.
    """

    file: Path
    size: tuple[int, int] | None
    objects: tuple[Outline, ...]

    def draw(self, size: tuple[int, int]) -> NDArray[np.int32]:
        """Layers of ids (L, H, W) for an image of ``size``; object i of the file has id i + 1."""
        raise NotImplementedError

"""What every example is, be it read from files or generated."""

from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

IGNORED = 255  # in a mask of class indices: pixels that nobody labelled

Kind = Literal["binary", "classes", "instances"]  # of all masks of a data set

# (H, W) uint8 of 0 and 1 if binary, or of class indices and ``IGNORED``; of instances (L, H, W)
# int32: layers of ids, since objects may overlap. 0 is no object; object k is (mask == k).any(0).
Mask = NDArray[Any]


class Example(Protocol):
    """One image and its mask."""

    @property
    def name(self) -> str:
        """Unique in its split; may hold folders: output files and messages are named after it."""

    def read(self) -> tuple[NDArray[np.uint8], Mask]:
        """The image (H, W, 3), RGB in 0..255, and its mask, as the data set's kind says."""

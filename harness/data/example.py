"""What every example is, be it read from files or generated."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

IGNORED = 255  # in a mask of class indices: pixels that nobody labelled


class Example(Protocol):
    """One image and its mask."""

    @property
    def name(self) -> str:
        """Unique in its split; may hold folders: output files and messages are named after it."""

    def read(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """The image (H, W, 3), RGB in 0..255, and the mask (H, W).

        The mask holds 0 or 1 if the data set is binary, else class indices and ``IGNORED``.
        """

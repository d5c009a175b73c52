"""What a generated task is."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Drawing = tuple[NDArray[np.uint8], NDArray[np.uint8]]  # image (S, S, 3) RGB and mask (S, S)


@dataclass(frozen=True, kw_only=True)
class Task:
    """A family of data sets in miniature.

    Attributes:
        name: as users give it.
        title: as tables and pictures show it.
        mirrors: the data sets of its family.
        difficulty: what makes it hard.
        draw: an image (256, 256, 3) RGB and its mask (256, 256), of 0 and 1 if there is one class,
            else of class indices; the mask is never empty.
        classes: 1 for a binary mask, else their number, background included.
        class_names: from index 0, if there are several.
    """

    name: str
    title: str
    mirrors: str
    difficulty: str
    draw: Callable[[Generator], Drawing]
    classes: int = 1
    class_names: tuple[str, ...] = ()

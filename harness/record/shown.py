"""An image with its masks, to look at. Needs no torch."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Shown:
    """One image of an evaluation, as small as a picture of several needs it.

    Attributes:
        name: of the image.
        score: its main metric, at its own size.
        image: (h, w, 3), RGB.
        truth, mask: (h, w), class indices; of objects, whether there is one.
    """

    name: str
    score: float
    image: NDArray[np.uint8]
    truth: NDArray[np.uint8]
    mask: NDArray[np.uint8]

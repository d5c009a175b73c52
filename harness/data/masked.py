"""Images with their masks in colours, to look at."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from samfit.harness.data.example import IGNORED, Mask

DIMMED, FILLED = 0.6, 0.6  # brightness of an image below a mask, opacity of the mask
UNLABELLED = (0.5, 0.5, 0.5)


def masked(image: NDArray[np.uint8], mask: Mask, classes: bool = False) -> NDArray[np.uint8]:
    """A dimmed image (H, W, 3) with a mask in colours; see ``example.py`` for masks.

    Each of ten objects or classes has a colour of its own, then they begin again. ``classes`` tells
    class indices, of which ``IGNORED`` is grey.
    """
    from matplotlib import colormaps  # late: it takes a while to import

    labels: NDArray[Any] = mask.max(0) if mask.ndim == 3 else mask
    colours = colormaps["tab10"](np.arange(10))[:, :3]
    picture = (DIMMED * image).astype(np.uint8)
    inside = labels > 0
    chosen = 255 * colours[(labels[inside].astype(int) - 1) % 10]
    if classes:
        chosen[labels[inside] == IGNORED] = 255 * np.array(UNLABELLED)
    picture[inside] = (1 - FILLED) * picture[inside] + FILLED * chosen
    return picture

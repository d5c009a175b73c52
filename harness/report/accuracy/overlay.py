"""Masks over images: dimmed images, and on them regions in colours, filled and outlined."""

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.patches import Patch
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion

from samfit.harness.miniature.tasks import TASKS
from samfit.harness.report.accuracy.masks import Mask
from samfit.harness.report.kit.style import BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILLION

DIMMED, FILLED = 0.55, 0.5  # brightness of an image below a mask, opacity of a region
EDGE = 3  # pixels of an image
# Apart in brightness, too, for eyes that take some of these colours for one.
RIGHT, MISSED, WRONG = SKY, "#F0E442", VERMILLION
CLASSES = (ORANGE, BLUE, GREEN, PURPLE)  # from class 1 on

Region = tuple[NDArray[np.bool_], str]  # pixels (H, W), and their colour


def regions(mask: Mask, truth: Mask, classes: int) -> list[Region]:
    """What is right, missed and wrong in a mask; of one with several classes, each class."""
    if classes > 1:
        return [(mask == i, CLASSES[(i - 1) % len(CLASSES)]) for i in range(1, classes)]
    found, there = mask > 0, truth > 0
    return [(found & there, RIGHT), (~found & there, MISSED), (found & ~there, WRONG)]


def overlay(image: NDArray[np.uint8], shown: Sequence[Region]) -> NDArray[np.float64]:
    """An image (H, W, 3) in 0..255 below ``shown``, in 0..1."""
    picture = DIMMED * image / 255
    for pixels, colour in shown:
        inside = binary_erosion(pixels, iterations=EDGE, border_value=1)
        picture[pixels] = (1 - FILLED) * picture[pixels] + FILLED * np.array(to_rgb(colour))
        picture[pixels & ~inside] = to_rgb(colour)
    return picture


def region_key(tasks: Sequence[str]) -> list[Patch]:
    """Entries of a key for all regions that masks of ``tasks`` can have."""
    names = {}
    if any(TASKS[task].classes == 1 for task in tasks):
        names = {"right": RIGHT, "missed": MISSED, "wrong": WRONG}
    for task in tasks:
        names |= dict(zip(TASKS[task].class_names[1:], CLASSES, strict=False))
    return [Patch(color=colour, label=name) for name, colour in names.items()]

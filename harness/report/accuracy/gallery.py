"""Test images with the true masks and those of methods, in colours over dimmed images."""

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion

from samfit.harness.miniature.tasks import TASKS
from samfit.harness.report.accuracy.captions import describe_source, metric_name
from samfit.harness.report.accuracy.masks import Mask, Picture, mask_of, picture
from samfit.harness.report.accuracy.scored import (
    PRETRAINED,
    ScoredMethod,
    ScoredMethods,
    accuracy_of,
)
from samfit.harness.report.kit.style import GREEN, LOOKS, ORANGE, PURPLE, SKY, VERMILLION, styled
from samfit.harness.report.kit.tiles import Tile, TileRow, draw_tiles

MOST_COLUMNS, MOST_ROWS = 21, 7  # of predicted masks
DIMMED, FILLED = 0.55, 0.5  # brightness of an image below a mask, opacity of a region
EDGE = 3  # pixels of an image
# Apart in brightness, too, for eyes that take some of these colours for one.
RIGHT, MISSED, WRONG = SKY, "#F0E442", VERMILLION
CLASSES = (ORANGE, PURPLE, GREEN)  # from class 1 on

Region = tuple[NDArray[np.bool_], str]  # pixels (H, W), and their colour


@styled
def gallery(found: ScoredMethods) -> Figure | None:
    """A row a task, or for a single one a row a test image: the image, the truth, and methods.

    None if no record keeps masks.
    """
    pictures = _pictures(found)
    if not pictures:
        return None
    pretrained = [one for one in found.baselines if one.series.label == PRETRAINED]
    # Methods of others come first, so that they are never left out, and then the best.
    methods = sorted(found.methods, key=lambda one: one.series.adapter in LOOKS)
    shown = [*pretrained, *methods][:MOST_COLUMNS]
    seed = found.seeds[0]
    rows = [
        TileRow(
            TASKS[each.task].title if each.number == 0 else "",
            [Tile(each.image), _tile(each, each.truth), *(_mask(one, each, seed) for one in shown)],
        )
        for each in pictures
    ]
    heads = ["image", "truth", *(one.series.label for one in shown)]
    key = region_key(found.tasks)
    return draw_tiles("Masks of test images", _caption(found, shown, rows), key, heads, rows)


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


def _pictures(found: ScoredMethods) -> list[Picture]:
    """The first test image of each task; of a single task, all of which masks are kept."""
    kept = max(len(accuracy_of(record).masks_png) for record in found.trained)
    each = min(kept, MOST_ROWS if len(found.tasks) == 1 else 1)
    return [picture(task, number) for task in found.tasks for number in range(each)]


def _tile(shown: Picture, mask: Mask, corner: str = "") -> Tile:
    marked = regions(mask, shown.truth, TASKS[shown.task].classes)
    return Tile(overlay(shown.image, marked), corner)


def _mask(one: ScoredMethod, shown: Picture, seed: int) -> Tile:
    """The mask of a method with its score, if there is one."""
    record = one.record_of(shown.task, seed)
    found = record and mask_of(record, shown)
    return _tile(shown, found[0], f"{found[1]:.2f}") if found else Tile(None)


def _caption(found: ScoredMethods, shown: Sequence[ScoredMethod], rows: Sequence[TileRow]) -> str:
    """What is seen, and what is not."""
    several = len(found.tasks) > 1
    images = "first test image of each task" if several else f"first {len(rows)} test images"
    labels = [one.series.label for one in shown]
    others = [one.series.label for one in found.methods if one.series.label not in labels]
    left_out = f"Omitted for space: {', '.join(others)}. " if others else ""
    missing = any(tile.pixels is None for row in rows for tile in row.tiles)
    dashes = "A dash: there is no mask that can be read and fits the image. " if missing else ""
    return (
        f"The {images}, with masks of seed {found.seeds[0]}; the number is the "
        f"{metric_name(found.tasks)} of the image. {left_out}{dashes}{describe_source(found)}"
    )

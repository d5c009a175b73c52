"""The worst masks of an evaluation, in colours over their images."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from samfit.harness.metrics import METRICS, main_metric
from samfit.harness.metrics.table import class_key
from samfit.harness.record.shown import Shown
from samfit.harness.report.accuracy.gallery import CLASSES, MISSED, RIGHT, WRONG, overlay, regions
from samfit.harness.report.kit.style import styled
from samfit.harness.report.kit.tiles import Tile, TileRow, draw_tiles

COLUMNS = 2  # images side by side, each with truth and mask
HEADS = ("image", "truth", "mask")
LONGEST = 26  # characters of a name


@styled
def draw_worst(
    worst: Sequence[Shown], data: str, classes: int, class_names: Sequence[str] = ()
) -> Figure:
    """Image, truth and mask of each of ``worst``, two in a row, the lowest score first."""
    metric = METRICS[main_metric(classes)].title
    rows = []
    for first in range(0, len(worst), COLUMNS):
        some = worst[first : first + COLUMNS]
        tiles = [tile for one in some for tile in _tiles(one, classes)]
        rows.append(TileRow(f"{first + 1} to {first + len(some)}", tiles))
    caption = (
        f"The {len(worst)} images of {data} with the lowest {metric}, the number in the mask; the "
        "lowest first, row by row."
    )
    heads = list(HEADS) * min(COLUMNS, len(worst))
    return draw_tiles("The worst masks", caption, _key(classes, class_names), heads, rows)


def _tiles(one: Shown, classes: int) -> list[Tile]:
    name = one.name if len(one.name) <= LONGEST else f"…{one.name[-LONGEST:]}"
    truth = overlay(one.image, regions(one.truth, one.truth, classes))
    mask = overlay(one.image, regions(one.mask, one.truth, classes))
    return [
        Tile(_square(one.image / 255), name),
        Tile(_square(truth)),
        Tile(_square(mask), f"{one.score:.3f}"),
    ]


def _square(picture: NDArray[np.float64]) -> NDArray[np.float64]:
    """A picture (H, W, 3) with white beside it, so that a tile does not distort it."""
    height, width = picture.shape[:2]
    side = max(height, width)
    whole = np.ones((side, side, 3))
    top, left = (side - height) // 2, (side - width) // 2
    whole[top : top + height, left : left + width] = picture
    return whole


def _key(classes: int, class_names: Sequence[str]) -> list[Patch]:
    if classes == 1:
        names = {"right": RIGHT, "missed": MISSED, "wrong": WRONG}
        return [Patch(color=colour, label=name) for name, colour in names.items()]
    named = dict(enumerate(class_names))
    return [
        Patch(color=colour, label=named.get(index, class_key(index).removeprefix("iou_")))
        for index, colour in zip(range(1, classes), CLASSES, strict=False)
    ]

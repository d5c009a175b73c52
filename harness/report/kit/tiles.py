"""Small pictures in rows and columns, with names beside and above them. Sizes are inches."""

import textwrap
from collections.abc import Sequence
from typing import Any, NamedTuple

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from samfit.harness.report.kit.frame import CAPTION_POINTS, MARGIN, X_LABEL, framed_axes
from samfit.harness.report.kit.labels import LINE_INCHES, write
from samfit.harness.report.kit.style import FAINT
from samfit.harness.report.kit.tables import MISSING

SIDE, GAP, NAMES = 0.94, 0.05, 0.34  # of a tile, between tiles, for the names of rows
STEP = SIDE + GAP
COLUMNS = 13  # characters as wide as a tile
CORNER: dict[str, Any] = {"facecolor": "black", "alpha": 0.6, "edgecolor": "none", "pad": 1.2}


class Tile(NamedTuple):
    """A picture (H, W, 3), or None where there is none, and what is written into its corner."""

    pixels: NDArray[Any] | None
    corner: str = ""


class TileRow(NamedTuple):
    """Tiles from left to right, as many in each row."""

    name: str
    tiles: Sequence[Tile]


def draw_tiles(
    title: str, caption: str, key: Sequence[Artist], heads: Sequence[str], rows: Sequence[TileRow]
) -> Figure:
    """A figure of ``rows``, the first on top, with a head above each column."""
    heads = [_wrapped(head) for head in heads]
    above = GAP + LINE_INCHES * (1 + max(head.count("\n") for head in heads))
    # No label stands below the tiles, so they reach into its room.
    height = STEP * len(rows) + MARGIN - X_LABEL
    figure, axes = framed_axes(title, caption, key, height=height, above=above)
    _measure_inches(figure, axes, STEP * len(heads) - GAP, STEP * len(rows))
    for column, head in enumerate(heads):
        write(axes, head, (column * STEP + SIDE / 2, -GAP), ha="center", va="bottom")
    for place, row in enumerate(rows):
        top = place * STEP
        name, at = _wrapped(row.name), (-GAP, top + SIDE / 2)
        write(axes, name, at, rotation=90, ha="right", va="center")
        for column, tile in enumerate(row.tiles):
            _draw(axes, tile, column * STEP, top)
    return figure


def _measure_inches(figure: Figure, axes: Axes, width: float, height: float) -> None:
    """Let the axes, of this size, measure inches right and downwards; the figure gets as wide."""
    left, total = MARGIN + NAMES, figure.get_figheight()
    figure.set_figwidth(max(left + width + MARGIN, figure.get_figwidth()))
    top, whole = axes.get_position().y1, figure.get_figwidth()
    axes.set_position((left / whole, top - height / total, width / whole, height / total))
    axes.set(xlim=(0, width), ylim=(height, 0), autoscale_on=False)
    axes.set_axis_off()


def _draw(axes: Axes, tile: Tile, left: float, top: float) -> None:
    if tile.pixels is None:
        axes.add_patch(Rectangle((left, top), SIDE, SIDE, color=FAINT))
        write(axes, MISSING, (left + SIDE / 2, top + SIDE / 2), ha="center", va="center")
        return
    axes.imshow(tile.pixels, extent=(left, left + SIDE, top + SIDE, top), aspect="auto")
    if tile.corner:
        write(
            axes, tile.corner, (left, top + SIDE), (3, 3), size=CAPTION_POINTS, color="white",
            va="bottom", bbox=CORNER,
        )  # fmt: skip


def _wrapped(text: str) -> str:
    return textwrap.fill(text, COLUMNS, break_on_hyphens=False)

"""The frame of every plot: title and key above the axes, axes of a given size, caption below.

Sizes are inches. No pyplot: a figure is an object of its own, and needs no display.
"""

import math
import textwrap
from collections.abc import Sequence

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from harness.report.plots.style import MUTED

DPI = 160
WIDTH = 7.6
MARGIN = 0.12
TITLE, KEY, X_LABEL, Y_LABEL = 0.32, 0.25, 0.52, 0.62
TITLE_POINTS, TEXT_POINTS, CAPTION_POINTS = 11, 8.5, 7.5
CAPTION_LINE = CAPTION_POINTS * 1.4 / 72
CAPTION_COLUMNS = 132  # characters of a caption that fit the width
LEFT_ROOM, RIGHT_ROOM = 0.2, 0.03  # of a batch axis, as shares of the span of batch sizes


def framed_axes(
    title: str,
    caption: str,
    key: Sequence[Artist] = (),
    *,
    height: float,
    left: float = Y_LABEL,
    right: float = MARGIN,
    above: float = 0,
    key_columns: int = 4,
) -> tuple[Figure, Axes]:
    """A new figure with axes ``height`` high, and the given room on their sides and above them."""
    lines = textwrap.wrap(caption, CAPTION_COLUMNS)
    below = MARGIN + CAPTION_LINE * len(lines) + X_LABEL
    key_rows = -(-len(key) // key_columns)
    total = below + height + above + KEY * key_rows + TITLE + MARGIN
    figure = Figure(figsize=(WIDTH, total), dpi=DPI)
    FigureCanvasAgg(figure)  # gives the figure a renderer, which measures text
    x = MARGIN / WIDTH
    figure.text(x, 1 - MARGIN / total, title, size=TITLE_POINTS, weight="bold", va="top")
    figure.text(
        x, MARGIN / total, "\n".join(lines), size=CAPTION_POINTS, color=MUTED, linespacing=1.4
    )
    if key_rows:
        figure.legend(
            handles=list(key),
            loc="upper left",
            bbox_to_anchor=(x, 1 - (MARGIN + TITLE * 0.8) / total),
            ncols=key_columns,
            borderaxespad=0,
            borderpad=0,
            columnspacing=1.4,
            handlelength=2.6,
            fontsize=TEXT_POINTS,
            frameon=False,
        )
    width = 1 - (left + right) / WIDTH
    return figure, figure.add_axes((left / WIDTH, below / total, width, height / total))


def text_inches(figure: Figure, texts: Sequence[str], points: float = TEXT_POINTS) -> float:
    """Width of the widest of ``texts``."""
    widths = [0.0]
    for text in texts:
        artist = figure.text(0, 0, text, size=points)
        widths.append(artist.get_window_extent().width / figure.dpi)
        artist.remove()
    return max(widths)


def batch_axis(axes: Axes, batches: Sequence[int]) -> None:
    """A logarithmic x axis with a tick at each batch size, and room for text on its left."""
    low, high = math.log2(min(batches)), math.log2(max(batches))
    span = max(high - low, 1)
    axes.set_xscale("log", base=2)
    axes.set_xlim(2 ** (low - LEFT_ROOM * span), 2 ** (high + RIGHT_ROOM * span))
    axes.xaxis.set_major_locator(FixedLocator(sorted(set(batches))))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter("{x:.0f}")
    axes.set_xlabel("batch size (images per step)")

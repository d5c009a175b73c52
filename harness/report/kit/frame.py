"""The frame of every plot: title and key above the axes, axes of a given size, caption below.

Sizes are inches. No pyplot: a figure is an object of its own, and needs no display.
"""

import math
import textwrap
from collections.abc import Sequence
from typing import Literal

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, Locator, NullLocator

from samfit.harness.report.kit.style import MUTED

DPI = 160
WIDTH = 7.6  # of a figure, unless labels leave too little of it
MIN_AXES = 3.0  # width
MARGIN = 0.12
TITLE, KEY, X_LABEL, Y_LABEL = 0.28, 0.25, 0.52, 0.62
KEY_COLUMNS = 4
TITLE_POINTS, TEXT_POINTS, CAPTION_POINTS = 11, 8.5, 7.5
CAPTION_LINE = CAPTION_POINTS * 1.4 / 72
TITLE_COLUMNS = 76  # characters that fit the width


def framed_axes(
    title: str,
    caption: str,
    key: Sequence[Artist] = (),
    *,
    height: float,
    left: float = Y_LABEL,
    right: float = MARGIN,
    above: float = 0,
) -> tuple[Figure, Axes]:
    """A new figure with axes ``height`` high, and the given room on their sides and above them."""
    title_lines = textwrap.wrap(title, TITLE_COLUMNS)
    whole = caption.replace(" × ", "\N{NBSP}×\N{NBSP}")
    lines = wrapped(whole, WIDTH - 2 * MARGIN, CAPTION_POINTS)
    below = MARGIN + CAPTION_LINE * len(lines) + X_LABEL
    key_rows = -(-len(key) // KEY_COLUMNS)
    width = max(WIDTH, left + MIN_AXES + right)
    total = below + height + above + KEY * key_rows + TITLE * len(title_lines) + MARGIN
    figure = Figure(figsize=(width, total), dpi=DPI)
    FigureCanvasAgg(figure)  # gives the figure a renderer, which measures text
    x = MARGIN / width
    figure.text(
        x, 1 - MARGIN / total, "\n".join(title_lines), size=TITLE_POINTS, weight="bold", va="top"
    )
    figure.text(
        x, MARGIN / total, "\n".join(lines), size=CAPTION_POINTS, color=MUTED, linespacing=1.4
    )
    if key_rows:
        figure.legend(
            handles=list(key),
            loc="upper left",
            bbox_to_anchor=(x, 1 - (MARGIN + TITLE * (len(title_lines) - 0.2)) / total),
            ncols=KEY_COLUMNS,
            borderaxespad=0,
            borderpad=0,
            columnspacing=1.4,
            handlelength=2.6,
            fontsize=TEXT_POINTS,
            frameon=False,
        )
    shares = (left / width, below / total, 1 - (left + right) / width, height / total)
    return figure, figure.add_axes(shares)


def figure_of(axes: Axes) -> Figure:
    """The figure in which ``axes`` stand."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    return figure


def text_inches(texts: Sequence[str], points: float) -> float:
    """Width of the widest of ``texts``, 0 for none."""
    figure = Figure(dpi=DPI)
    FigureCanvasAgg(figure)
    artists = [figure.text(0, 0, text, size=points) for text in texts]
    return max((artist.get_window_extent().width / DPI for artist in artists), default=0)


def wrapped(text: str, inches: float, points: float) -> list[str]:
    """``text`` in lines that are no wider than ``inches``."""
    columns = min(len(text), int(144 * inches / points))  # a first guess: two letters an em
    lines = textwrap.wrap(text, columns)
    while text_inches(lines, points) > inches:
        columns -= 1
        lines = textwrap.wrap(text, columns)
    return lines


def log_axis(
    axes: Axes, which: Literal["x", "y"], low: float, high: float, ticks: Locator | None = None
) -> None:
    """Make an axis logarithmic, from ``low`` to ``high``. Default ticks: powers of two."""
    getattr(axes, f"set_{which}scale")("log", base=10 if ticks else 2)
    if ticks is None:
        powers = range(math.ceil(math.log2(low)), math.floor(math.log2(high)) + 1)
        ticks = FixedLocator([2.0**power for power in powers])
    axis = axes.xaxis if which == "x" else axes.yaxis
    axes.set(**{f"{which}lim": (low, high)})
    axis.set_major_locator(ticks)
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter("{x:g}")

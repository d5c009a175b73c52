"""Small panels with shared axes, one a method, in rows below the names of their kinds.

Sizes are inches.
"""

import textwrap
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from samfit.harness.report.kit.frame import (
    CAPTION_POINTS,
    MARGIN,
    TEXT_POINTS,
    WIDTH,
    Y_LABEL,
    text_inches,
)
from samfit.harness.report.kit.labels import DIRECT, LINE_INCHES
from samfit.harness.report.kit.select import Series
from samfit.harness.report.kit.style import MUTED, kind_handles

COLUMNS = 4
BESIDE, BELOW = 0.16, 0.13  # between panels
APART, HEADING = 0.12, 0.26  # between kinds, and the line that names one


class Row(NamedTuple):
    """Methods of one kind, which the first of its rows names, and their labels in lines."""

    series: Sequence[Series]
    titles: Sequence[str]
    is_first: bool

    @property
    def before(self) -> float:
        """Distance from the row above."""
        return BELOW + APART * self.is_first

    @property
    def above(self) -> float:
        """What the texts above the panels need."""
        lines = 1 + max(title.count("\n") for title in self.titles)
        return HEADING * self.is_first + LINE_INCHES * (lines + 1)  # one is the note


class Grid(NamedTuple):
    """Rows of panels of one size."""

    rows: Sequence[Row]
    width: float
    height: float

    @property
    def total_height(self) -> float:
        """Of all rows, with what is between them."""
        rows = sum(row.before + row.above + self.height for row in self.rows)
        return rows - self.rows[0].before


def grid_of(shown: Sequence[Series]) -> Grid:
    """Parallel methods, then serial ones, then any other, each kind in the order of ``shown``."""
    kinds = [[s for s in shown if s.serial is serial] for serial in (False, True, None)]
    columns = min(COLUMNS, max(map(len, kinds)))
    width = (WIDTH - Y_LABEL - MARGIN - BESIDE * (columns - 1)) / columns
    rows = []
    for kind in kinds:
        for start in range(0, len(kind), columns):
            members = kind[start : start + columns]
            titles = [_wrapped(one.label, width) for one in members]
            rows.append(Row(members, titles, is_first=start == 0))
    return Grid(rows, width, height=0.6 + 0.25 * width)


def draw_panels(frame: Axes, grid: Grid, notes: Mapping[str, str]) -> dict[str, Axes]:
    """New axes for each label, all on one scale, within ``frame``, which is as high as the grid.

    Above each stands the label, and below that what ``notes`` has for it. ``frame`` itself shows
    nothing but the labels of its axes.
    """
    figure = frame.get_figure(root=True)
    assert figure is not None
    frame.set_frame_on(False)
    frame.grid(visible=False)
    frame.set(xticks=[], yticks=[])
    size, corner = figure.get_size_inches(), frame.get_position().p0
    panels: dict[str, Axes] = {}
    y = grid.total_height + grid.rows[0].before
    for row in grid.rows:
        y -= row.before
        if row.is_first:
            _name_kind(figure, row.series, corner + (0, y) / size)
        y -= row.above + grid.height
        for column, (one, title) in enumerate(zip(row.series, row.titles, strict=True)):
            place = corner + (column * (grid.width + BESIDE), y) / size
            first = next(iter(panels.values()), None)
            shares = (*place, *((grid.width, grid.height) / size))
            panel = figure.add_axes(shares, sharex=first, sharey=first)
            panel.tick_params(length=0, labelleft=column == 0, labelbottom=False)
            _write_above(panel, title, notes[one.label])
            panels[one.label] = panel
    return panels


def _name_kind(figure: Figure, kind: Sequence[Series], corner: np.ndarray) -> None:
    """Write what kind these methods are, with its mark, below a corner in shares of the figure."""
    figure.legend(
        handles=kind_handles(kind, lines=False),
        loc="upper left",
        bbox_to_anchor=corner,
        borderaxespad=0,
        borderpad=0,
        handlelength=0.8,
        handletextpad=0.5,
        fontsize=TEXT_POINTS,
        frameon=False,
    )


def _write_above(panel: Axes, title: str, note: str) -> None:
    for text, line, look in (
        (title, 1, {"size": TEXT_POINTS}),
        (note, 0, {"size": CAPTION_POINTS, "color": MUTED}),
    ):
        panel.annotate(
            text, (0, 1), (0, 72 * LINE_INCHES * line + 2), xycoords="axes fraction",
            textcoords="offset points", va="bottom", label=DIRECT, **look,
        )  # fmt: skip


def _wrapped(text: str, inches: float) -> str:
    """``text`` in lines that are no wider than ``inches``."""
    columns, lines = len(text), [text]
    while text_inches(lines, TEXT_POINTS) > inches:
        columns -= 1
        lines = textwrap.wrap(text, columns)
    return "\n".join(lines)

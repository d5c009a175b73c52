"""Small panels with shared axes, one a method; each kind begins a row. Sizes are inches."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from matplotlib.axes import Axes

from samfit.harness.report.kit.frame import (
    CAPTION_POINTS,
    MARGIN,
    TEXT_POINTS,
    WIDTH,
    Y_LABEL,
    figure_of,
    wrapped,
)
from samfit.harness.report.kit.labels import LINE_INCHES, write
from samfit.harness.report.kit.select import Series
from samfit.harness.report.kit.style import MUTED

COLUMNS = 4
BESIDE, BELOW = 0.16, 0.1  # between panels


class Grid(NamedTuple):
    """Rows of panels of one size, and the title of each in lines, by label."""

    rows: Sequence[Sequence[Series]]
    titles: Mapping[str, str]
    width: float
    height: float

    @property
    def pitch(self) -> float:
        """From one row to the next."""
        lines = 2 + max(title.count("\n") for title in self.titles.values())  # one is the note
        return LINE_INCHES * lines + self.height + BELOW


def grid_of(shown: Sequence[Series]) -> Grid:
    """Parallel methods, then serial ones, then any other, each kind in the order of ``shown``."""
    kinds = [[s for s in shown if s.serial is serial] for serial in (False, True, None)]
    columns = min(COLUMNS, max(map(len, kinds)))
    width = (WIDTH - Y_LABEL - MARGIN - BESIDE * (columns - 1)) / columns
    rows = [kind[i : i + columns] for kind in kinds for i in range(0, len(kind), columns)]
    titles = {one.label: "\n".join(wrapped(one.label, width, TEXT_POINTS)) for one in shown}
    return Grid(rows, titles, width, height=0.6 + 0.25 * width)


def draw_panels(frame: Axes, grid: Grid, notes: Mapping[str, str]) -> dict[str, Axes]:
    """New axes for each label, all on one scale, within ``frame``, which is as high as the grid.

    Above each stands its title, and below that what ``notes`` has for it. ``frame`` itself shows
    nothing but the labels of its axes.
    """
    figure = figure_of(frame)
    frame.set_frame_on(False)
    frame.grid(visible=False)
    frame.set(xticks=[], yticks=[])
    size, corner = figure.get_size_inches(), frame.get_position().p0
    panels: dict[str, Axes] = {}
    for below, members in zip(reversed(range(len(grid.rows))), grid.rows, strict=True):
        for column, one in enumerate(members):
            place = corner + (column * (grid.width + BESIDE), below * grid.pitch) / size
            first = next(iter(panels.values()), None)
            shares = (*place, *((grid.width, grid.height) / size))
            panel = figure.add_axes(shares, sharex=first, sharey=first)
            panel.tick_params(length=0, labelleft=column == 0, labelbottom=False)
            line, muted = (0, 72 * LINE_INCHES + 2), {"size": CAPTION_POINTS, "color": MUTED}
            write(panel, grid.titles[one.label], (0, 1), line, "axes fraction", va="bottom")
            write(panel, notes[one.label], (0, 1), (0, 2), "axes fraction", va="bottom", **muted)
            panels[one.label] = panel
    return panels

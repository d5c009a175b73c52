"""The frame of plots against batch size, and beside them each method's figure at one batch size.

That panel is the lines' key, too. Crosses above the axes mark steps that ran out of memory, at
their batch size. Sizes are inches.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, MaxNLocator
from matplotlib.transforms import ScaledTranslation

from samfit.harness.report.kit.describe import short_number
from samfit.harness.report.kit.frame import (
    MARGIN,
    TEXT_POINTS,
    figure_of,
    framed_axes,
    log_axis,
    text_inches,
)
from samfit.harness.report.kit.labels import write_beside
from samfit.harness.report.kit.select import Series, usual_batch_size
from samfit.harness.report.kit.style import MUTED, MethodStyle, kind_handles, method_styles

LEAST_HEIGHT, ROW, STEMS = 3.9, 0.25, 1.3  # of the axes, height of a row, width of all stems
GAP, BESIDE_STEM, BESIDE_MARKER = 0.24, 0.1, 0.12
BETWEEN, PER_ROW = 0.1, 6  # neighbouring crosses
RIGHT = 0.05  # margin beside the largest batch size, as share of their span
CROSS: dict[str, Any] = {
    "marker": "x", "markeredgewidth": 1.6, "linestyle": "none", "clip_on": False,
}  # fmt: skip


class ByBatch(NamedTuple):
    """A plot against batch size, in which lines are yet to be drawn.

    Attributes:
        axes: for the lines.
        panel: the methods in order, in rows at 0, 1, ... from the top.
        batch: the batch size of the panel.
        series: all methods, the one with the highest figure first, those without one last.
        styles: by label.
    """

    figure: Figure
    axes: Axes
    panel: Axes
    batch: int
    series: list[Series]
    styles: Mapping[str, MethodStyle]


def plot_by_batch(
    shown: Sequence[Series],
    curves: Mapping[str, Mapping[int, float]],
    unit: str,
    title: str,
    caption: str,
    *,
    key: Sequence[Line2D] = (),
    left: float = 0.05,
) -> ByBatch:
    """A plot of ``curves``, the figures of ``shown`` by label and batch size.

    ``unit`` is that of the figures, ``left`` the margin beside the smallest batch size as a share
    of their span.
    """
    failed = _out_of_memory(shown)
    crosses = [Line2D([], [], color=MUTED, label="out of memory", **CROSS)] if failed else []
    batch = usual_batch_size([batch for curve in curves.values() for batch in curve])
    figures = {label: curve[batch] for label, curve in curves.items() if batch in curve}
    ordered = sorted(shown, key=lambda series: figures.get(series.label, -1), reverse=True)
    labels = text_inches([series.label for series in shown], TEXT_POINTS) + BESIDE_STEM
    numbers = BESIDE_MARKER + text_inches([*map(short_number, figures.values())], TEXT_POINTS)
    figure, axes = framed_axes(
        title,
        caption,
        [*kind_handles(shown), *key, *crosses],
        height=max(LEAST_HEIGHT, ROW * len(shown)),
        right=GAP + labels + STEMS + numbers + MARGIN,
        above=BETWEEN * max((-(-len(found) // PER_ROW) for found in failed.values()), default=0),
    )
    _batch_axis(axes, [batch for one in shown for batch in one.by_batch()], left)
    styles, box, total = method_styles(shown), axes.get_position(), figure.get_figwidth()
    _mark_out_of_memory(axes, failed, styles)
    panel = figure.add_axes((box.x1 + (GAP + labels) / total, box.y0, STEMS / total, box.height))
    panel.set_ylim(len(ordered) - 0.5, -0.5)
    panel.set_yticks([])
    panel.xaxis.set_major_locator(MaxNLocator(3))
    panel.set_xlabel(f"{unit} at batch size {batch}")
    for row, series in enumerate(ordered):
        length = figures.get(series.label, 0)
        stem = styles[series.label].line()
        (line,) = panel.plot([0, length], [row, row], **stem, markevery=[1], clip_on=False)
        line.sticky_edges.x.append(0)  # no margin there
        write_beside(panel, (0, row), -BESIDE_STEM, series.label, "right")
        if series.label in figures:
            write_beside(panel, (1, row), numbers, short_number(length), "right")
        else:
            why = "out of memory" if series in failed.get(batch, []) else "no figure"
            write_beside(panel, (0, row), BESIDE_MARKER, why, "left")
    return ByBatch(figure, axes, panel, batch, ordered, styles)


def _batch_axis(axes: Axes, batches: Sequence[int], left: float) -> None:
    """A tick at each batch size, and the given margin on their left."""
    low, high = math.log2(min(batches)), math.log2(max(batches))
    span, ticks = max(high - low, 1), FixedLocator(sorted(set(batches)))
    log_axis(axes, "x", 2 ** (low - left * span), 2 ** (high + RIGHT * span), ticks)
    axes.set_xlabel("batch size (images per step)")


def _out_of_memory(shown: Sequence[Series]) -> dict[int, list[Series]]:
    """The methods that ran out of memory, by batch size."""
    failed: dict[int, list[Series]] = {}
    for series in shown:
        for batch in sorted({r.cell.batch_size for r in series.records if r.status == "oom"}):
            failed.setdefault(batch, []).append(series)
    return failed


def _mark_out_of_memory(
    axes: Axes, failed: Mapping[int, Sequence[Series]], styles: Mapping[str, MethodStyle]
) -> None:
    """Draw a cross for each method and batch size that did not fit."""
    inches = figure_of(axes).dpi_scale_trans
    for batch, members in failed.items():
        for place, series in enumerate(members):
            row, column = divmod(place, PER_ROW)
            centre = (min(PER_ROW, len(members) - row * PER_ROW) - 1) / 2
            shift = (BETWEEN * (column - centre), BETWEEN * (row + 0.5))
            moved = axes.get_xaxis_transform() + ScaledTranslation(*shift, inches)
            colour = styles[series.label].colour
            axes.add_line(Line2D([batch], [1], transform=moved, color=colour, **CROSS))

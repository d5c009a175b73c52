"""Marks for steps that ran out of memory: crosses above the axes, at their batch size."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.transforms import ScaledTranslation

from samfit.harness.report.kit.select import Series
from samfit.harness.report.kit.style import MUTED, MethodStyle

STEP_INCHES = 0.1  # between neighbouring crosses
PER_ROW = 6
CROSS: dict[str, Any] = {
    "marker": "x",
    "markeredgewidth": 1.6,
    "linestyle": "none",
    "clip_on": False,  # they stand outside of the axes
}


def mark_out_of_memory(
    axes: Axes, shown: Sequence[Series], styles: Mapping[str, MethodStyle]
) -> None:
    """Draw a cross for each method and batch size that did not fit."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    for batch, failed in _failed(shown).items():
        for place, series in enumerate(failed):
            row, column = divmod(place, PER_ROW)
            centre = (min(PER_ROW, len(failed) - row * PER_ROW) - 1) / 2
            shift = (STEP_INCHES * (column - centre), STEP_INCHES * (row + 0.5))
            moved = axes.get_xaxis_transform() + ScaledTranslation(*shift, figure.dpi_scale_trans)
            colour = styles[series.label].colour
            axes.add_line(Line2D([batch], [1], transform=moved, color=colour, **CROSS))


def out_of_memory_handles(shown: Sequence[Series]) -> list[Line2D]:
    """The key's entry for the crosses, if there are any."""
    return [Line2D([], [], color=MUTED, label="out of memory", **CROSS)] if _failed(shown) else []


def out_of_memory_inches(shown: Sequence[Series]) -> float:
    """The room that the crosses need above the axes."""
    rows = max((-(-len(failed) // PER_ROW) for failed in _failed(shown).values()), default=0)
    return STEP_INCHES * rows


def _failed(shown: Sequence[Series]) -> dict[int, list[Series]]:
    """The methods that ran out of memory, by batch size."""
    failed: dict[int, list[Series]] = {}
    for series in shown:
        for batch in sorted({r.cell.batch_size for r in series.records if r.status == "oom"}):
            failed.setdefault(batch, []).append(series)
    return failed

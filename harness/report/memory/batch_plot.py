"""Peak memory against batch size, with the memory of common cards."""

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from samfit.harness.device.cards import COMMON_CARDS
from samfit.harness.record.record import Record
from samfit.harness.report.kit.by_batch import plot_by_batch
from samfit.harness.report.kit.describe import (
    Unit,
    describe_memory,
    memory_source,
    step_name,
    unit_for,
)
from samfit.harness.report.kit.frame import log_axis
from samfit.harness.report.kit.labels import GROUND, write
from samfit.harness.report.kit.select import Series, Shown, has_memory, memory_of, series_of
from samfit.harness.report.kit.style import MUTED, styled
from samfit.units import GIB

CARD_ROOM = 0.36  # left of the smallest batch size, as share of their span
CARDS_CAPTION = (
    "Dotted lines: total card memory (a card sold as 8 GB has 8 GiB). Less is left for tensors: "
    "the CUDA context and memory that PyTorch reserves beyond them also take room. "
)
RING: dict[str, Any] = {
    "marker": "o", "markersize": 10, "markeredgewidth": 1.3, "fillstyle": "none",
    "linestyle": "none",
}  # fmt: skip


@styled
def memory_vs_batch(shown: Shown) -> Figure:
    """Peak memory allocated against batch size (log scales), one line a method.

    Where the records are predictions, rings show what was measured on CUDA.
    """
    records, measured = shown
    series, unit = series_of([*records, *measured]), unit_for(records)
    curves = {one.label: _peaks(one, records[0].source, unit) for one in series}
    cards = CARDS_CAPTION if _cards_gb(records) else ""
    rings = f" Rings: {describe_memory(measured)}." if measured else ""
    plot = plot_by_batch(
        series,
        curves,
        unit.name,
        f"Peak memory of one {step_name(records)} against batch size",
        f"{cards}{memory_source(records)}{rings}",
        key=[Line2D([], [], color=MUTED, label="measured", **RING)] if measured else [],
        left=CARD_ROOM,
    )
    for label, curve in curves.items():
        plot.axes.plot(list(curve), list(curve.values()), **plot.styles[label].line())
    # Without counterparts no rings, even if the lines are what was measured.
    for row, one in enumerate(plot.series if measured else []):
        for batch, peak in _peaks(one, "measured-cuda", unit).items():
            colour = plot.styles[one.label].colour
            plot.axes.plot([batch], [peak], color=colour, **RING)
            if batch == plot.batch:
                plot.panel.plot([peak], [row], color=colour, **RING)
    _memory_axis(plot.axes, unit, _cards_gb([*records, *measured]))
    return plot.figure


def _cards_gb(records: Sequence[Record]) -> list[int]:
    """The cards that tell something about the peaks: no smaller than all, nor larger than twice."""
    peaks = [record.memory.peak_allocated_bytes / GIB for record in records if record.memory]
    sizes = [card.sold_gb for card in COMMON_CARDS]
    return [size for size in sizes if min(peaks) <= size <= 2 * max(peaks)]


def _memory_axis(axes: Axes, unit: Unit, cards_gb: Sequence[int]) -> None:
    """A logarithmic y axis: methods that differ by a factor are parallel lines on it."""
    _, low, _, high = axes.dataLim.extents
    heights = {size: size * GIB / unit.nbytes for size in cards_gb}
    first = math.floor(math.log2(low / 1.05))
    top = max([1.4 * high, *(1.4 * height for height in heights.values()), 2.0 ** (first + 2)])
    log_axis(axes, "y", 2.0**first, top)
    axes.set_ylabel(f"peak memory allocated ({unit.name})")
    for size, height in heights.items():
        axes.axhline(height, color=MUTED, linewidth=0.8, linestyle=":", zorder=1)
        write(
            axes, f"{size} GiB card", (0.008, height), coordinates=axes.get_yaxis_transform(),
            color=MUTED, zorder=1.5, bbox=GROUND,
        )  # fmt: skip


def _peaks(series: Series, source: str, unit: Unit) -> dict[int, float]:
    return {
        batch: memory_of(record).peak_allocated_bytes / unit.nbytes
        for batch, record in series.by_batch(source).items()
        if has_memory(record)
    }

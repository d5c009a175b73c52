"""Peak memory against batch size, with the memory of common cards."""

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from samfit.harness.device.cards import COMMON_CARDS
from samfit.harness.record.record import Record
from samfit.harness.report.kit.describe import (
    GIB,
    Unit,
    assumptions,
    describe_memory,
    step_name,
    unit_for,
)
from samfit.harness.report.kit.frame import (
    TEXT_POINTS,
    batch_axis,
    framed_axes,
    powers_of_two,
)
from samfit.harness.report.kit.labels import DIRECT
from samfit.harness.report.kit.out_of_memory import (
    mark_out_of_memory,
    out_of_memory_handles,
    out_of_memory_inches,
)
from samfit.harness.report.kit.ranking import draw_ranking, rank
from samfit.harness.report.kit.select import (
    Series,
    cuda_counterparts,
    has_memory,
    memory_records,
    series_of,
)
from samfit.harness.report.kit.style import MUTED, kind_handles, method_styles, styled

CARD_ROOM = 0.36  # left of the smallest batch size, as share of their span
CARDS_CAPTION = (
    "A horizontal line is all the memory of such a card; the CUDA context and what the allocator "
    "reserves beyond the tensors must fit below it too. "
)
RING: dict[str, Any] = {
    "marker": "o",
    "markersize": 10,
    "markeredgewidth": 1.3,
    "fillstyle": "none",
    "linestyle": "none",
}


@styled
def memory_vs_batch(records: Sequence[Record]) -> Figure | None:
    """Peak memory allocated against batch size (log scales), one line a method, and a ranking.

    It shows those of ``records`` that ``select.memory_records`` chooses, and, where these are
    predictions, what was measured on CUDA in the same conditions. None if no record holds a peak.
    """
    shown = memory_records(records)
    if not shown:
        return None
    measured = cuda_counterparts(records, shown)
    series, unit = series_of([*shown, *measured]), unit_for(shown)
    curves = {one.label: _peaks(one, shown[0].source, unit) for one in series}
    ranking, styles = rank(series, curves), method_styles(series)
    rings = [Line2D([], [], color=MUTED, label="measured", **RING)] if measured else []
    figure, axes = framed_axes(
        f"Peak memory of one {step_name(shown)} against batch size",
        _caption(shown, measured),
        [*kind_handles(series), *rings, *out_of_memory_handles(series)],
        height=max(3.9, ranking.height),
        right=ranking.width,
        above=out_of_memory_inches(series),
    )
    for label, curve in curves.items():
        axes.plot(list(curve), list(curve.values()), **styles[label].line())
    panel = draw_ranking(axes, ranking, styles, unit.name)
    # Without counterparts no rings, even if the lines are what was measured.
    for row, one in enumerate(ranking.series if measured else []):
        for batch, peak in _peaks(one, "measured-cuda", unit).items():
            axes.plot([batch], [peak], color=styles[one.label].colour, **RING)
            if batch == ranking.batch:
                panel.plot([peak], [row], color=styles[one.label].colour, **RING)
    batch_axis(axes, [batch for one in series for batch in one.by_batch()], CARD_ROOM)
    _memory_axis(axes, unit, _cards_gb([*shown, *measured]))
    mark_out_of_memory(axes, series, styles)
    return figure


def _caption(shown: Sequence[Record], measured: Sequence[Record]) -> str:
    cards = CARDS_CAPTION if _cards_gb(shown) else ""
    rings = f" Rings: {describe_memory(measured)}." if measured else ""
    source = f"{assumptions(shown)}Source: {describe_memory(shown)}.{rings}"
    return f"Peak of the memory that tensors hold. {cards}{source}"


def _cards_gb(shown: Sequence[Record]) -> list[int]:
    """The cards that tell something about the peaks: no smaller than all, nor larger than twice."""
    peaks = [record.memory.peak_allocated_bytes / GIB for record in shown if record.memory]
    sizes = [card.sold_gb for card in COMMON_CARDS]
    return [size for size in sizes if min(peaks) <= size <= 2 * max(peaks)]


def _memory_axis(axes: Axes, unit: Unit, cards_gb: Sequence[int]) -> None:
    """A logarithmic y axis: methods that differ by a factor are parallel lines on it."""
    _, low, _, high = axes.dataLim.extents
    heights = {size: size * GIB / unit.nbytes for size in cards_gb}
    first = math.floor(math.log2(low / 1.05))
    top = max([1.4 * high, *(1.4 * height for height in heights.values()), 2.0 ** (first + 2)])
    axes.set_yscale("log", base=2)
    axes.set_ylim(2.0**first, top)
    powers_of_two(axes.yaxis, 2.0**first, top)
    axes.set_ylabel(f"peak memory allocated ({unit.name})")
    for size, height in heights.items():
        axes.axhline(height, color=MUTED, linewidth=0.8, linestyle=":", zorder=1)
        axes.text(
            0.008, height, f"{size} GB card", size=TEXT_POINTS, color=MUTED, va="center_baseline",
            transform=axes.get_yaxis_transform(), label=DIRECT, zorder=1.5,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
        )  # fmt: skip


def _peaks(series: Series, source: str, unit: Unit) -> dict[int, float]:
    return {
        batch: record.memory.peak_allocated_bytes / unit.nbytes
        for batch, record in series.by_batch(source).items()
        if record.memory and has_memory(record)
    }

"""Peak memory against batch size, with the memory of common cards."""

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullLocator

from harness.record import Measurement
from harness.report.describe import GIB, Unit, describe_memory, short_number, step_name, unit_for
from harness.report.plots.frame import TEXT_POINTS, batch_axis, framed_axes
from harness.report.plots.labels import DIRECT, LINE_INCHES, Label, label_line_ends
from harness.report.plots.out_of_memory import (
    mark_out_of_memory,
    out_of_memory_handles,
    out_of_memory_inches,
)
from harness.report.plots.style import MUTED, kind_handles, method_styles, styled
from harness.report.select import (
    Series,
    cuda_counterparts,
    has_memory,
    memory_records,
    series_of,
)

CARDS_GB = (8, 12, 16, 24, 40, 80)  # sold as GB, and hold about as many GiB
CARDS_CAPTION = (
    "A horizontal line is all the memory of such a card; the CUDA context and what the allocator "
    "reserves beyond the tensors must fit below it too. "
)


@styled
def memory_vs_batch(records: Sequence[Measurement]) -> Figure | None:
    """Peak memory allocated (log scale) against batch size, one line a method.

    It shows those of ``records`` that ``select.memory_records`` chooses, and, where these are
    predictions, what was measured on CUDA in the same conditions. None if no record holds a peak.
    """
    shown = memory_records(records)
    if not shown:
        return None
    measured = cuda_counterparts(records, shown)
    series = series_of([*shown, *measured])
    rings = [_ring(MUTED, label="measured")] if measured else []
    figure, axes = framed_axes(
        f"Peak memory of one {step_name(shown)} against batch size",
        _caption(shown, measured),
        [*kind_handles(series), *rings, *out_of_memory_handles(series)],
        height=max(3.9, LINE_INCHES * len(series)),
        above=out_of_memory_inches(series),
    )
    _draw(axes, series, shown[0].source, unit_for(shown))
    return figure


def _caption(shown: Sequence[Measurement], measured: Sequence[Measurement]) -> str:
    cards = CARDS_CAPTION if _cards_gb(shown) else ""
    rings = f" Rings: {describe_memory(measured)}." if measured else ""
    return f"Peak of the memory that tensors hold. {cards}Source: {describe_memory(shown)}.{rings}"


def _cards_gb(shown: Sequence[Measurement]) -> list[int]:
    """The cards that tell something about the peaks: no smaller than all, nor larger than twice."""
    peaks = [record.memory.peak_allocated_bytes / GIB for record in shown if record.memory]
    return [size for size in CARDS_GB if min(peaks) <= size <= 2 * max(peaks)]


def _draw(axes: Axes, shown: Sequence[Series], source: str, unit: Unit) -> None:
    styles = method_styles(shown)
    labels = []
    for series in shown:
        style = styles[series.label]
        curve = _peaks(series, source, unit)
        if curve:
            axes.plot(list(curve), list(curve.values()), **style.line())
            batch, peak = list(curve.items())[-1]
            text = f"{series.label}  {short_number(peak)} {unit.name}"
            labels.append(Label(batch, peak, text, style))
        for batch, peak in _peaks(series, "measured-cuda", unit).items():
            if source != "measured-cuda":
                axes.add_line(_ring(style.colour, [batch], [peak]))
    batch_axis(axes, [batch for series in shown for batch in series.by_batch()])
    _memory_axis(axes, unit, _cards_gb([r for one in shown for r in one.records]))
    label_line_ends(axes, labels)
    mark_out_of_memory(axes, shown, styles)


def _memory_axis(axes: Axes, unit: Unit, cards_gb: Sequence[int]) -> None:
    """A logarithmic y axis: methods that differ by a factor are parallel lines on it."""
    _, low, _, high = axes.dataLim.extents
    heights = {size: size * GIB / unit.nbytes for size in cards_gb}
    first = math.floor(math.log2(low / 1.05))
    top = max([1.4 * high, *(1.4 * height for height in heights.values()), 2.0 ** (first + 2)])
    axes.set_yscale("log", base=2)
    axes.set_ylim(2.0**first, top)
    ticks = [2.0**power for power in range(first, math.floor(math.log2(top)) + 1)]
    axes.yaxis.set_major_locator(FixedLocator(ticks))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter("{x:g}")
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


def _ring(colour: str, x: Sequence[float] = (), y: Sequence[float] = (), label: str = "") -> Line2D:
    return Line2D(
        x, y, label=label, color=colour, linestyle="none", marker="o", markersize=10,
        fillstyle="none", markeredgewidth=1.3,
    )  # fmt: skip

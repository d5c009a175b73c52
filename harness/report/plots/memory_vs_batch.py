"""Peak memory against batch size, with the memory of common cards."""

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullLocator

from harness.record import Measurement
from harness.report.describe import GIB, describe_memory, step_name
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
CAPTION = (
    "Peak of the memory that tensors hold. A horizontal line is all the memory of such a card; the "
    "CUDA context and what the allocator reserves beyond the tensors must fit below it too. "
)


@styled
def memory_vs_batch(records: Sequence[Measurement]) -> Figure | None:
    """Peak memory allocated (GiB, log scale) against batch size, one line a method.

    It shows those of ``records`` that ``select.memory_records`` chooses, and, where these are
    predictions, what was measured on CUDA in the same conditions. None if no record holds a peak.
    """
    shown = memory_records(records)
    if not shown:
        return None
    measured = cuda_counterparts(records, shown)
    series = series_of([*shown, *measured])
    caption = f"{CAPTION}Source: {describe_memory(shown)}."
    if measured:
        caption += f" Rings: {describe_memory(measured)}."
    rings = [_ring(MUTED, label="measured")] if measured else []
    figure, axes = framed_axes(
        f"Peak memory of one {step_name(shown)} against batch size",
        caption,
        [*kind_handles(series), *rings, *out_of_memory_handles(series)],
        height=max(3.9, LINE_INCHES * len(series)),
        above=out_of_memory_inches(series),
    )
    _draw(axes, series, shown[0].source)
    return figure


def _draw(axes: Axes, shown: Sequence[Series], source: str) -> None:
    styles = method_styles(shown)
    labels = []
    for series in shown:
        style = styles[series.label]
        curve = _peaks_gib(series, source)
        if curve:
            axes.plot(list(curve), list(curve.values()), **style.line())
            batch, peak = list(curve.items())[-1]
            labels.append(Label(batch, peak, f"{series.label}  {peak:,.1f} GiB", style))
        for batch, peak in _peaks_gib(series, "measured-cuda").items():
            if source != "measured-cuda":
                axes.add_line(_ring(style.colour, [batch], [peak]))
    batch_axis(axes, [batch for series in shown for batch in series.by_batch()])
    _memory_axis(axes)
    label_line_ends(axes, labels)
    mark_out_of_memory(axes, shown, styles)


def _memory_axis(axes: Axes) -> None:
    """A logarithmic y axis: methods that differ by a factor are parallel lines on it."""
    _, low, _, high = axes.dataLim.extents
    cards = [size for size in CARDS_GB if low <= size <= 2 * high]
    bottom, top = low / 1.3, max([high, *cards]) * 1.4
    axes.set_yscale("log", base=2)
    axes.set_ylim(bottom, top)
    powers = range(math.ceil(math.log2(bottom)), math.floor(math.log2(top)) + 1)
    axes.yaxis.set_major_locator(FixedLocator([2.0**power for power in powers]))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set_ylabel("peak memory allocated (GiB)")
    for size in cards:
        axes.axhline(size, color=MUTED, linewidth=0.8, linestyle=":", zorder=1)
        axes.text(
            0.008, size, f"{size} GB card", size=TEXT_POINTS, color=MUTED, va="center_baseline",
            transform=axes.get_yaxis_transform(), label=DIRECT, zorder=1.5,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
        )  # fmt: skip


def _peaks_gib(series: Series, source: str) -> dict[int, float]:
    return {
        batch: record.memory.peak_allocated_bytes / GIB
        for batch, record in series.by_batch(source).items()
        if record.memory and has_memory(record)
    }


def _ring(colour: str, x: Sequence[float] = (), y: Sequence[float] = (), label: str = "") -> Line2D:
    return Line2D(
        x, y, label=label, color=colour, linestyle="none", marker="o", markersize=10,
        fillstyle="none", markeredgewidth=1.3,
    )  # fmt: skip

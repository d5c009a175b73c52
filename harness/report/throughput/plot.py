"""Images per second against batch size."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from samfit.harness.record.record import Record, Spread
from samfit.harness.report.kit.describe import describe_times, step_name
from samfit.harness.report.kit.frame import batch_axis, framed_axes
from samfit.harness.report.kit.out_of_memory import (
    mark_out_of_memory,
    out_of_memory_handles,
    out_of_memory_inches,
)
from samfit.harness.report.kit.ranking import draw_ranking, rank
from samfit.harness.report.kit.select import Series, has_times, series_of, time_records
from samfit.harness.report.kit.style import kind_handles, method_styles, styled

CAPTION = "Median of the timed steps; bars reach from the 10th to the 90th percentile. "
BAR: dict[str, Any] = {"capsize": 2.5, "elinewidth": 0.9}


class Speed(NamedTuple):
    """Images per second at the median time, and how far a bar reaches below and above it."""

    median: float
    below: float
    above: float


@styled
def throughput_vs_batch(records: Sequence[Record]) -> Figure | None:
    """Images per second against batch size, one line a method with bars p10 to p90, and a ranking.

    It shows those of ``records`` that ``select.time_records`` chooses; None if no record holds
    times.
    """
    shown = time_records(records)
    if not shown:
        return None
    series = series_of(shown)
    speeds = {one.label: _speeds(one) for one in series}
    curves = {label: {b: s.median for b, s in found.items()} for label, found in speeds.items()}
    ranking, styles = rank(series, curves), method_styles(series)
    figure, axes = framed_axes(
        f"Throughput of the {step_name(shown)} against batch size",
        f"{CAPTION}Source: {describe_times(shown)}.",
        [*kind_handles(series), *out_of_memory_handles(series)],
        height=max(3.9, ranking.height),
        right=ranking.width,
        above=out_of_memory_inches(series),
    )
    panel = draw_ranking(axes, ranking, styles, "images/s")
    for row, one in enumerate(ranking.series):
        found, style = speeds[one.label], styles[one.label]
        if found:
            medians, *bars = np.transpose(list(found.values())).tolist()
            axes.errorbar(list(found), medians, bars, **BAR, **style.line())
        if ranking.batch in found:
            median, *ends = found[ranking.batch]
            bar = [[end] for end in ends]  # an array of one makes matplotlib warn with older numpy
            panel.errorbar([median], [row], xerr=bar, fmt="none", ecolor=style.colour, **BAR)
    batch_axis(axes, [batch for one in series for batch in one.by_batch()])
    axes.set_ylim(0, None)
    axes.set_ylabel("images per second")
    mark_out_of_memory(axes, series, styles)
    return figure


def _speeds(series: Series) -> dict[int, Speed]:
    return {
        batch: _speed(batch, record.timing.step_ms)
        for batch, record in series.by_batch().items()
        if record.timing.step_ms and has_times(record)
    }


def _speed(batch: int, step_ms: Spread) -> Speed:
    # A long step is a low throughput: the lower end of the bar is the 90th percentile.
    low, median, high = (1000 * batch / ms for ms in (step_ms.p90, step_ms.median, step_ms.p10))
    return Speed(median, median - low, high - median)

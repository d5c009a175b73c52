"""Images per second against batch size."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from samfit.harness.record.record import Record
from samfit.harness.report.kit.by_batch import plot_by_batch
from samfit.harness.report.kit.describe import describe_times, step_name
from samfit.harness.report.kit.select import Series, has_times, series_of
from samfit.harness.report.kit.style import styled

CAPTION = "Median of the timed steps; bars reach from the 10th to the 90th percentile. "
BAR: dict[str, Any] = {"capsize": 2.5, "elinewidth": 0.9}


@styled
def throughput_vs_batch(shown: Sequence[Record]) -> Figure:
    """Images per second against batch size, one line a method with bars p10 to p90.

    ``shown`` is not empty.
    """
    series = series_of(shown)
    speeds = {one.label: _speeds(one) for one in series}
    medians = {name: {b: median for b, (median, *_) in s.items()} for name, s in speeds.items()}
    plot = plot_by_batch(
        series,
        medians,
        "images/s",
        f"Throughput of the {step_name(shown)} against batch size",
        f"{CAPTION}Source: {describe_times(shown)}.",
    )
    for row, one in enumerate(plot.series):
        found, style = speeds[one.label], plot.styles[one.label]
        if found:
            heights, *bars = np.transpose(list(found.values())).tolist()
            plot.axes.errorbar(list(found), heights, bars, **BAR, **style.line())
        if plot.batch in found:
            median, *ends = found[plot.batch]
            bar = [[end] for end in ends]  # an array of one makes matplotlib warn with older numpy
            plot.panel.errorbar([median], [row], xerr=bar, fmt="none", ecolor=style.colour, **BAR)
    plot.axes.set_ylim(0, None)
    plot.axes.set_ylabel("images per second")
    return plot.figure


def _speeds(series: Series) -> dict[int, tuple[float, float, float]]:
    """Images per second at the median time, and how far a bar reaches below and above it."""
    found = {}
    for batch, record in series.by_batch().items():
        if has_times(record) and (ms := record.timing.step_ms):
            # A long step is a low throughput: the lower end of the bar is the 90th percentile.
            low, median, high = (1000 * batch / each for each in (ms.p90, ms.median, ms.p10))
            found[batch] = (median, median - low, high - median)
    return found

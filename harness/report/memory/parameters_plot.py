"""Whether the number of trainable parameters tells how much memory training takes."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from samfit.harness.record.record import Record
from samfit.harness.report.kit.describe import (
    assumptions,
    describe_memory,
    step_name,
    unit_for,
)
from samfit.harness.report.kit.frame import framed_axes
from samfit.harness.report.kit.gap import times_parallel
from samfit.harness.report.kit.labels import LINE_INCHES, Label, label_points
from samfit.harness.report.kit.select import (
    Series,
    at_batch_size,
    memory_records,
    series_of,
)
from samfit.harness.report.kit.style import kind_handles, method_styles, styled

ENOUGH = 5  # methods, to say anything about a correlation
WEAK, STRONG = 0.3, 0.7


@styled
def parameters_vs_memory(records: Sequence[Record]) -> Figure | None:
    """Peak memory against trainable parameters (millions, log scale), one point a method.

    It shows those of ``records`` that ``select.memory_records`` chooses, at batch size 4 if there
    are any. None if fewer than two methods have both figures.
    """
    complete = [r for r in memory_records(records) if r.params and r.params.trainable]
    shown = at_batch_size(complete)
    series = series_of(shown)
    if len(series) < 2:
        return None
    unit = unit_for(shown)
    last = [one.records[-1] for one in series]
    x = [r.params.trainable / 1e6 for r in last if r.params]
    y = [r.memory.peak_allocated_bytes / unit.nbytes for r in last if r.memory]
    correlation = rank_correlation(x, y)
    text = "undefined" if correlation is None else f"{correlation:.2f}"
    figure, axes = framed_axes(
        _title(correlation, len(series)),
        f"{_gap(series, y)}Rank correlation (Spearman) {text}, n = {len(series)}. One "
        f"{step_name(shown)}, batch size {shown[0].cell.batch_size}. "
        f"{assumptions(shown)}Source: {describe_memory(shown)}.",
        kind_handles(series, lines=False),
        height=max(3.9, LINE_INCHES * len(series)),
    )
    styles = method_styles(series)
    for one, a, b in zip(series, x, y, strict=True):
        axes.plot([a], [b], **styles[one.label].marker())
    axes.set_xscale("log")
    axes.set_xlim(min(x) / 1.2, max(x) * 1.2)
    axes.set_ylim(0, 1.15 * max(y))
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel("trainable parameters (millions)")
    axes.set_ylabel(f"peak memory allocated ({unit.name})")
    points = zip(series, x, y, strict=True)
    label_points(axes, [Label(a, b, one.label, styles[one.label]) for one, a, b in points])
    return figure


def rank_correlation(x: Sequence[float], y: Sequence[float]) -> float | None:
    """Spearman's coefficient; None where all of ``x`` or all of ``y`` are equal."""
    if len(set(x)) < 2 or len(set(y)) < 2:
        return None
    return float(pd.Series(x).rank().corr(pd.Series(y).rank()))


def _title(correlation: float | None, methods: int) -> str:
    """What is seen, where there are enough methods to see it."""
    if correlation is not None and methods >= ENOUGH:
        if abs(correlation) < WEAK:
            return "Trainable parameters say little about peak memory"
        if abs(correlation) > STRONG:
            tendency = "more" if correlation > 0 else "less"
            return f"Methods with more trainable parameters tend to take {tendency} memory"
    return "Peak memory against trainable parameters"


def _gap(shown: Sequence[Series], sizes: Sequence[float]) -> str:
    """The sentence that serial methods take more than parallel ones, where all do."""
    ratio = times_parallel(shown, sizes)
    if ratio is None:
        return ""
    return f"Every serial method takes at least {ratio:.1f} times the memory of any parallel one. "

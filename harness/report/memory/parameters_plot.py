"""Whether the number of trainable parameters tells how much memory training takes."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from samfit.harness.report.kit.describe import memory_source, step_name, unit_for
from samfit.harness.report.kit.frame import framed_axes, log_axis
from samfit.harness.report.kit.labels import LINE_INCHES, Label, label_points
from samfit.harness.report.kit.select import (
    Shown,
    at_batch_size,
    memory_of,
    series_of,
    times_parallel,
)
from samfit.harness.report.kit.style import kind_handles, method_styles, styled

ENOUGH = 5  # methods, to say anything about a correlation
WEAK, STRONG = 0.3, 0.7


@styled
def parameters_vs_memory(shown: Shown) -> Figure | None:
    """Peak memory against trainable parameters (millions, log scale), one point a method.

    At batch size 4 if there are such records; None if fewer than two methods have both figures.
    """
    records = at_batch_size([r for r in shown.records if r.params and r.params.trainable])
    series = series_of(records)
    if len(series) < 2:
        return None
    unit = unit_for(records)
    last = [one.records[-1] for one in series]
    x = [r.params.trainable / 1e6 for r in last if r.params]
    y = [memory_of(r).peak_allocated_bytes / unit.nbytes for r in last]
    correlation, ratio = rank_correlation(x, y), times_parallel(series, y)
    text = "undefined" if correlation is None else f"{correlation:.2f}"
    gap = "" if ratio is None else (
        f"Every serial method takes at least {ratio:.1f} times the memory of any parallel one. "
    )  # fmt: skip
    figure, axes = framed_axes(
        _title(correlation, len(series)),
        f"{gap}Rank correlation (Spearman): {text}, {len(series)} methods. One "
        f"{step_name(records)}, batch size {records[0].cell.batch_size}. "
        f"{memory_source(records)}",
        kind_handles(series, lines=False),
        height=max(3.9, LINE_INCHES * len(series)),
    )
    styles = method_styles(series)
    points = zip(series, x, y, strict=True)
    labels = [Label(a, b, one.label, styles[one.label].marker()) for one, a, b in points]
    for label in labels:
        axes.plot([label.x], [label.y], **label.marker)
    log_axis(axes, "x", min(x) / 1.2, max(x) * 1.2, LogLocator(subs=(1, 2, 5)))
    axes.set_ylim(0, 1.15 * max(y))
    axes.set_xlabel("trainable parameters (millions)")
    axes.set_ylabel(f"peak memory allocated ({unit.name})")
    label_points(axes, labels)
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

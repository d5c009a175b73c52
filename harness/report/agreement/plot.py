"""Predicted against measured memory, and how far predictions are off."""

import textwrap
from collections.abc import Sequence
from typing import Any, get_args

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from samfit.harness.record.cell import Precision
from samfit.harness.report.agreement.pairs import AgreementPair
from samfit.harness.report.kit.describe import Unit, method_title, pulled, unit_for
from samfit.harness.report.kit.frame import DPI, MARGIN, figure_of, framed_axes, log_axis
from samfit.harness.report.kit.labels import GROUND, LINE_INCHES, spread, write
from samfit.harness.report.kit.style import BLUE, INK, MUTED, styled

HEIGHT, APART, ERRORS = 3.9, 0.55, 2.3  # inches: of the axes, between them, width of the errors'
BANDS = {0.01: 0.24, 0.03: 0.12}  # share of the measured peak, opacity
NAMED, NAME_COLUMNS, BESIDE = 3, 26, 0.3  # of the worst cases; characters; inches
MARKS: dict[str, dict[str, Any]] = {
    precision: {
        "marker": "o", "markersize": 5, "fillstyle": fill, "color": BLUE, "linestyle": "none",
    }
    for precision, fill in zip(get_args(Precision), ("full", "top", "none", "bottom"), strict=True)
}  # fmt: skip


@styled
def agreement(found: Sequence[AgreementPair], source: str) -> Figure:
    """Predicted over measured peaks (log scales), and the distribution of their errors.

    ``found`` has at least one pair; ``source`` says where the measurements come from.
    """
    errors = [100 * pair.allocated_error for pair in found]
    precisions = {pair.measured.cell.precision for pair in found}
    key = [
        *(Line2D([], [], label=p, **mark) for p, mark in MARKS.items() if p in precisions),
        *(Patch(color=MUTED, alpha=a, lw=0, label=f"within {s:.0%}") for s, a in BANDS.items()),
    ]
    figure, axes = framed_axes(
        f"Peak memory of {len(found)} Cells, predicted and measured",
        f"Peaks of allocated memory; the dotted line is the median error, "
        f"{np.median(errors):+.2f}%. The worst cases are named. Source: {source}.",
        key,
        height=HEIGHT,
        right=APART + ERRORS + MARGIN,
    )
    unit = unit_for([pair.measured for pair in found])
    _scatter(axes, found, unit)
    _name_worst(axes, sorted(found, key=lambda pair: -abs(pair.allocated_error))[:NAMED], unit)
    _distribution(axes, errors)
    return figure


def _scatter(axes: Axes, found: Sequence[AgreementPair], unit: Unit) -> None:
    """A mark a Cell on log scales, the diagonal, and a band for each share."""
    for pair in found:
        ours, theirs = _peaks(pair, unit)
        axes.plot([theirs], [ours], **MARKS[pair.measured.cell.precision])
    peaks = [peak for pair in found for peak in _peaks(pair, unit)]
    limits = np.array([min(peaks) / 1.3, max(peaks) * 1.3])
    axes.plot(limits, limits, color=INK, linewidth=0.7, zorder=1)
    for share, opacity in BANDS.items():
        axes.fill_between(
            limits, limits * (1 - share), limits * (1 + share), color=MUTED, alpha=opacity, lw=0
        )
    log_axis(axes, "x", *limits)
    log_axis(axes, "y", *limits)
    axes.set_xlabel(f"measured ({unit.name})")
    axes.set_ylabel(f"predicted ({unit.name})")


def _peaks(pair: AgreementPair, unit: Unit) -> list[float]:
    """Predicted and measured peak of allocated memory."""
    return [memory.peak_allocated_bytes / unit.nbytes for memory in pair.memories]


def _name_worst(axes: Axes, worst: Sequence[AgreementPair], unit: Unit) -> None:
    """Names beside their marks, in the half of the axes that has the room."""
    marks = axes.transData.transform([_peaks(pair, unit)[::-1] for pair in worst])
    frame = axes.get_window_extent()
    on_left = marks[:, 0] < (frame.x0 + frame.x1) / 2
    for is_left in (True, False):
        members = np.flatnonzero(on_left == is_left).tolist()
        wanted = marks[members, 1].tolist()
        heights = spread(wanted, 1.2 * LINE_INCHES * DPI, frame.y0, frame.y1)
        for member, before, after in zip(members, wanted, heights, strict=True):
            points = (72 * (BESIDE if is_left else -BESIDE), 72 * (after - before) / DPI)
            _name(axes, worst[member], unit, points)


def _name(axes: Axes, pair: AgreementPair, unit: Unit, points: tuple[float, float]) -> None:
    """Write what a mark stands for so many points right of it and above it."""
    cell, (ours, theirs) = pair.measured.cell, _peaks(pair, unit)
    what = [method_title(pair.measured), f"b{cell.batch_size}", *pulled(cell)]
    text = textwrap.shorten(", ".join(what), NAME_COLUMNS, placeholder=" …")
    is_right = points[0] > 0
    line = {"color": MUTED, "linewidth": 0.6, "relpos": (0 if is_right else 1, 0.5)}
    write(
        axes, f"{text}: {pair.allocated_error:+.1%}", (theirs, ours), points,
        ha="left" if is_right else "right", bbox=GROUND, arrowprops={"arrowstyle": "-", **line},
    )  # fmt: skip


def _distribution(axes: Axes, errors: Sequence[float]) -> None:
    """A histogram of the errors in percent, right of ``axes``, over the same bands."""
    figure = figure_of(axes)
    box, total = axes.get_position(), figure.get_figwidth()
    panel = figure.add_axes((box.x1 + APART / total, box.y0, ERRORS / total, box.height))
    furthest = 1.1 * max(100 * max(BANDS), *map(abs, errors))
    for share, opacity in BANDS.items():
        panel.axvspan(-100 * share, 100 * share, color=MUTED, alpha=opacity, lw=0, zorder=0)
    panel.hist(errors, bins=40, range=(-furthest, furthest), color=BLUE)
    panel.axvline(float(np.median(errors)), color=INK, linestyle=":")
    panel.set_xlim(-furthest, furthest)
    panel.yaxis.set_major_locator(MaxNLocator(integer=True))
    panel.set_xlabel("error of the prediction (%)")
    panel.set_ylabel("Cells")

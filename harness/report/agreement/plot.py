"""Scatter of one figure against another for the same Cells, and how far they are off."""

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
from samfit.harness.report.agreement.agreement import Agreement
from samfit.harness.report.agreement.pairs import AgreementPair, percent
from samfit.harness.report.kit.describe import Unit, method_title, unit_for
from samfit.harness.report.kit.frame import DPI, MARGIN, figure_of, framed_axes, log_axis
from samfit.harness.report.kit.labels import GROUND, LINE_INCHES, spread, write
from samfit.harness.report.kit.style import BLUE, INK, MUTED, styled

# Inches: height of the axes, room beside them, width and distance of the errors' axes.
HEIGHT, APART, ERRORS, BETWEEN = 4.1, 0.55, 2.3, 0.75
OPACITIES = (0.12, 0.24)  # of the band of the worst error, and of that of the median within it
NAMED, NAME_COLUMNS, BESIDE = 3, 36, 0.3  # of the worst cases; characters; inches
MARKS: dict[str, dict[str, Any]] = {
    precision: {
        "marker": "o", "markersize": 5, "fillstyle": fill, "color": BLUE, "linestyle": "none",
    }
    for precision, fill in zip(get_args(Precision), ("full", "top", "none", "bottom"), strict=True)
}  # fmt: skip


@styled
def agreement_plot(found: Agreement) -> Figure:
    """Peaks of either kind (log scales), and the distributions of the errors beside them."""
    claim, reference = found.words
    bands = _bands(found, "allocated")
    precisions = {pair.cell.precision for pair in found.pairs}
    key = [
        *(Line2D([], [], label=p, **mark) for p, mark in MARKS.items() if p in precisions),
        *(Patch(color=MUTED, alpha=a, lw=0, label=f"within {100 * s:g}%") for s, a in bands),
    ]
    figure, axes = framed_axes(
        f"Peak memory of {len(found.pairs)} Cells, {claim} and {reference}",
        "Peaks of allocated memory, and the errors of allocated and of reserved memory; dotted "
        f"lines are medians. The worst cases are named. Source: {found.source}.",
        key,
        height=HEIGHT,
        right=APART + ERRORS + MARGIN,
    )
    unit = unit_for([pair.reference for pair in found.pairs])
    _scatter(axes, found, unit)
    _name_worst(axes, found, unit)
    _distributions(axes, found)
    return figure


def _bands(found: Agreement, what: str) -> list[tuple[float, float]]:
    """The limits of errors of ``what``, as shares, the wider first, with their opacities."""
    names = (f"worst_{what}_error", f"median_{what}_error")
    return [
        (found.limits[name], opacity)
        for name, opacity in zip(names, OPACITIES, strict=True)
        if name in found.limits
    ]


def _scatter(axes: Axes, found: Agreement, unit: Unit) -> None:
    """A mark a Cell on log scales, the diagonal, and a band for each limit."""
    for pair in found.pairs:
        ours, theirs = _peaks(pair, unit)
        axes.plot([theirs], [ours], **MARKS[pair.cell.precision])
    peaks = [peak for pair in found.pairs for peak in _peaks(pair, unit)]
    limits = np.array([min(peaks) / 1.3, max(peaks) * 1.3])
    axes.plot(limits, limits, color=INK, linewidth=0.7, zorder=1)
    for share, opacity in _bands(found, "allocated"):
        axes.fill_between(
            limits, limits * (1 - share), limits * (1 + share), color=MUTED, alpha=opacity, lw=0
        )
    log_axis(axes, "x", *limits)
    log_axis(axes, "y", *limits)
    axes.set_xlabel(f"{found.words.reference} ({unit.name})")
    axes.set_ylabel(f"{found.words.claim} ({unit.name})")


def _peaks(pair: AgreementPair, unit: Unit) -> list[float]:
    """Peaks of allocated memory of the claim and of the reference."""
    return [memory.peak_allocated_bytes / unit.nbytes for memory in pair.memories]


def _name_worst(axes: Axes, found: Agreement, unit: Unit) -> None:
    """Names beside the marks that are furthest off, in the half of the axes that has the room."""
    worst = sorted(found.pairs, key=lambda pair: -abs(pair.allocated_error))[:NAMED]
    marks = axes.transData.transform([_peaks(pair, unit)[::-1] for pair in worst])
    frame = axes.get_window_extent()
    on_left = marks[:, 0] < (frame.x0 + frame.x1) / 2
    for is_left in (True, False):
        members = np.flatnonzero(on_left == is_left).tolist()
        wanted = marks[members, 1].tolist()
        heights = spread(wanted, 1.2 * LINE_INCHES * DPI, frame.y0, frame.y1)
        for member, before, after in zip(members, wanted, heights, strict=True):
            points = (72 * (BESIDE if is_left else -BESIDE), 72 * (after - before) / DPI)
            _name(axes, found, worst[member], unit, points)


def _name(
    axes: Axes, found: Agreement, pair: AgreementPair, unit: Unit, points: tuple[float, float]
) -> None:
    """Write what a mark stands for so many points right of it and above it."""
    ours, theirs = _peaks(pair, unit)
    what = [method_title(pair.reference), f"b{pair.cell.batch_size}", *found.details(pair.cell)]
    text = textwrap.shorten(", ".join(what), NAME_COLUMNS, placeholder=" …")
    is_right = points[0] > 0
    line = {"color": MUTED, "linewidth": 0.6, "relpos": (0 if is_right else 1, 0.5)}
    write(
        axes, f"{text}: {percent(pair.allocated_error)}", (theirs, ours), points,
        ha="left" if is_right else "right", bbox=GROUND, arrowprops={"arrowstyle": "-", **line},
    )  # fmt: skip


def _distributions(axes: Axes, found: Agreement) -> None:
    """Histograms of the errors right of ``axes``: allocated above reserved, if there is any."""
    reserved = [error for pair in found.pairs if (error := pair.reserved_error) is not None]
    errors = {"allocated": [pair.allocated_error for pair in found.pairs], "reserved": reserved}
    shown = {what: shares for what, shares in errors.items() if shares}
    figure, box = figure_of(axes), axes.get_position()
    width, height = figure.get_size_inches()
    gap = BETWEEN / height
    each = (box.height - gap * (len(shown) - 1)) / len(shown)
    for place, (what, shares) in enumerate(shown.items()):
        bottom = box.y1 - each - place * (each + gap)
        panel = figure.add_axes((box.x1 + APART / width, bottom, ERRORS / width, each))
        _histogram(panel, [100 * share for share in shares], _bands(found, what))
        panel.set_xlabel(f"error of {what} memory (%)")


def _histogram(panel: Axes, errors: Sequence[float], bands: Sequence[tuple[float, float]]) -> None:
    """Errors in percent, over the bands of their limits."""
    furthest = 1.1 * max(*(100 * share for share, _ in bands), *map(abs, errors))
    for share, opacity in bands:
        panel.axvspan(-100 * share, 100 * share, color=MUTED, alpha=opacity, lw=0, zorder=0)
    panel.hist(errors, bins=41, range=(-furthest, furthest), color=BLUE)
    panel.axvline(float(np.median(errors)), color=INK, linestyle=":")
    panel.set_xlim(-furthest, furthest)
    panel.yaxis.set_major_locator(MaxNLocator(integer=True))
    panel.set_ylabel("Cells")

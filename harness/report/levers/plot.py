"""Peak memory as published and with every lever: one row a method, one mark a stage."""

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from samfit.harness.device.cards import COMMON_CARDS
from samfit.harness.report.kit.describe import assumptions, describe_memory, short_number, step_name
from samfit.harness.report.kit.frame import (
    CAPTION_POINTS,
    MARGIN,
    TEXT_POINTS,
    framed_axes,
    log_axis,
    text_inches,
)
from samfit.harness.report.kit.labels import GROUND, LINE_INCHES, write, write_beside
from samfit.harness.report.kit.select import usual_batch_size
from samfit.harness.report.kit.style import BLUE, INK, MUTED, kind_handles, styled
from samfit.harness.report.kit.tables import MISSING
from samfit.harness.report.levers.table import CONDITIONS, PUBLISHED, STAGES, Stages, compared

CARDS_CAPTION = "Dotted lines: total card memory. "
ROW, FIGURES = 0.25, 0.34  # inches: height of a row, least width of a column of figures
HEAD = -0.95  # the row above the axes
HEADS = dict(zip(STAGES, ("published", "levers", "bf16", "cached"), strict=True))
MARKS: tuple[dict[str, Any], ...] = (
    {"color": INK, "fillstyle": "full", "markersize": 7.5},
    {"color": BLUE, "markerfacecolor": "white", "markersize": 7, "markeredgewidth": 1.6},
    {"color": BLUE, "fillstyle": "left", "markersize": 7, "markerfacecoloralt": "white"},
    {"color": BLUE, "fillstyle": "full", "markersize": 4},
)
LOOKS = dict(zip(STAGES, MARKS, strict=True))


@styled
def levers(found: Sequence[Stages]) -> Figure:
    """Peak memory in GiB (log scale) of each method at each stage, with the figures in columns.

    At batch size 4 if there are such, parallel methods above serial ones.
    """
    batch = usual_batch_size([one.batch for one in found])
    shown = [one for one in found if one.batch == batch]
    published = [one.records[PUBLISHED] for one in shown]
    stages = [stage for stage in STAGES if any(stage in one.records for one in shown)]
    rows, kinds = _rows(shown)
    widths = [max(FIGURES, text_inches([HEADS[s]], TEXT_POINTS)) + 1.5 * MARGIN for s in stages]
    columns = dict(zip(stages, accumulate(widths), strict=True))
    figure, axes = framed_axes(
        f"Peak memory as published and with every lever, batch size {batch}",
        f"One {step_name(published)}. {CONDITIONS}{compared(shown)}{CARDS_CAPTION}"
        f"{assumptions(published)}"
        f"Source, as published: {describe_memory(published)}.",
        [Line2D([], [], marker="o", linestyle="none", label=s, **LOOKS[s]) for s in stages],
        height=ROW * (len(rows) + len(kinds)),
        left=text_inches([one.series.label for one in shown], TEXT_POINTS) + 2 * MARGIN,
        right=sum(widths) + MARGIN,
        above=LINE_INCHES,
    )
    axes.set_ylim(len(rows) + len(kinds) - 0.5, -0.5)
    axes.set_yticks([*rows], [one.series.label for one in rows.values()])
    axes.tick_params(axis="y", length=0, labelsize=TEXT_POINTS)
    axes.grid(visible=False, axis="y")
    _memory_axis(axes, shown)
    for place, kind in kinds.items():
        write_beside(axes, (0, place), MARGIN / 2, kind, "left", bbox=GROUND)
    for stage, right in columns.items():
        write_beside(axes, (1, HEAD), right, HEADS[stage], "right", bbox=GROUND)
    for place, one in rows.items():
        _draw_row(axes, place, one)
        for stage, right in columns.items():
            peak = one.peaks_gib().get(stage)
            figures = MISSING if peak is None else short_number(peak)
            write_beside(axes, (1, place), right, figures, "right", bbox=GROUND)
    return figure


def _rows(shown: Sequence[Stages]) -> tuple[dict[int, Stages], dict[int, str]]:
    """By place from the top: the methods of each kind, and the name of the kind above them."""
    rows: dict[int, Stages] = {}
    kinds: dict[int, str] = {}
    for serial in (False, True, None):
        members = [one for one in shown if one.series.serial is serial]
        for handle in kind_handles([one.series for one in members], lines=False):
            kinds[len(rows) + len(kinds)] = str(handle.get_label())
        for one in members:
            rows[len(rows) + len(kinds)] = one
    return rows, kinds


def _draw_row(axes: Axes, place: int, one: Stages) -> None:
    """A mark a stage, square for parallel methods as in every plot, on a line from end to end."""
    peaks, marker = one.peaks_gib(), "s" if one.series.serial is False else "o"
    axes.plot([min(peaks.values()), max(peaks.values())], [place] * 2, color=MUTED, linewidth=1)
    for stage, peak in peaks.items():
        axes.plot([peak], [place], linestyle="none", marker=marker, **LOOKS[stage])


def _memory_axis(axes: Axes, shown: Sequence[Stages]) -> None:
    """A logarithmic x axis with a line at each card up to the first that holds everything."""
    peaks = [peak for one in shown for peak in one.peaks_gib().values()]
    low, high = min(peaks) / 1.2, max(peaks) * 1.2
    log_axis(axes, "x", low, high)
    axes.set_xlabel("peak memory allocated (GiB)")
    sizes = [card.sold_gb for card in COMMON_CARDS]
    cards = [size for size in sizes if low <= size <= high]
    for size in cards:
        axes.axvline(size, color=MUTED, linewidth=0.8, linestyle=":", zorder=1)
        text = f"{size} GiB" if size == cards[-1] else str(size)
        half = text_inches([str(size)], CAPTION_POINTS) / 2
        write(axes, text, (size, HEAD), (-72 * half, 0), size=CAPTION_POINTS, color=MUTED)

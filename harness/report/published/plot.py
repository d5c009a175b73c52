"""How far rehearsals are from what others measured: one row a figure, one dot a difference."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from samfit.harness.record.published import Comparison
from samfit.harness.report.kit.describe import short_number
from samfit.harness.report.kit.frame import MARGIN, TEXT_POINTS, framed_axes, text_inches
from samfit.harness.report.kit.labels import GROUND, LINE_INCHES, write_beside
from samfit.harness.report.kit.style import BLUE, INK, MUTED, styled

ROW = 0.22  # inches
HEAD = -1
HEADS = ("published", "rehearsed", "difference")
COLUMN = 0.75  # inches
BAND = 1  # percent
LOOKS: dict[str, dict[str, Any]] = {"exact": {"fillstyle": "full"}, "near": {"fillstyle": "none"}}
KEY = {"exact": "the Cell is what was run", "near": "the Cell is near what was run"}


@styled
def published_plot(found: Sequence[Comparison], source: str) -> Figure:
    """Differences in percent, figures whose Cell is exact on top, with both figures in columns.

    ``found`` has at least one figure that was compared; ``source`` says with what.
    """
    shown = sorted(
        (each for each in found if each.difference is not None),
        key=lambda each: each.figure.match == "near",
    )
    labels = [f"{e.figure.what}{', ran out' if e.figure.message else ''}" for e in shown]
    figure, axes = framed_axes(
        f"Rehearsed memory against {len(shown)} published measurements",
        "GiB: peaks, or what was allocated when memory ran out. Nothing is fitted. table.md says "
        f"where each figure is from, and what differs in it. Source: {source}.",
        [_mark(match, label) for match, label in KEY.items()],
        height=ROW * len(shown),
        left=text_inches(labels, TEXT_POINTS) + 2 * MARGIN,
        right=COLUMN * len(HEADS) + MARGIN,
        above=LINE_INCHES,
    )
    axes.set_ylim(len(shown) - 0.5, -0.5)
    axes.set_yticks(range(len(shown)), labels)
    axes.tick_params(axis="y", length=0, labelsize=TEXT_POINTS)
    axes.grid(visible=False, axis="y")
    axes.axvspan(-BAND, BAND, color=MUTED, alpha=0.15, linewidth=0)
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set_xlabel("rehearsed less published (%)")
    _columns(axes, HEAD, HEADS)
    for place, each in enumerate(shown):
        _draw_row(axes, place, each)
    return figure


def _draw_row(axes: Axes, place: int, each: Comparison) -> None:
    assert each.difference is not None and each.measured_mib and each.rehearsed_mib
    percent = 100 * each.difference
    axes.plot([0, percent], [place] * 2, color=MUTED, linewidth=1)
    mark = _mark(each.figure.match)
    mark.set_data([percent], [place])
    axes.add_line(mark)
    texts = [short_number(mib / 1024) for mib in (each.measured_mib, each.rehearsed_mib)]
    _columns(axes, place, [*texts, f"{percent:+.1f}%"])


def _columns(axes: Axes, place: int, texts: Sequence[str]) -> None:
    for column, text in enumerate(texts, 1):
        write_beside(axes, (1, place), COLUMN * column, text, "right", bbox=GROUND)


def _mark(match: str, label: str = "") -> Line2D:
    return Line2D(
        [], [], color=BLUE, marker="o", markersize=5, linestyle="none", label=label, **LOOKS[match]
    )

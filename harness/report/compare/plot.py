"""What changed between two runs: growth of memory and of time, a row for each Cell."""

import math

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, PercentFormatter

from samfit.harness.record.changes import CellPair, Comparison, ratio_error
from samfit.harness.report.compare.table import caption
from samfit.harness.report.kit.describe import cell_names
from samfit.harness.report.kit.frame import TEXT_POINTS, framed_axes, text_inches
from samfit.harness.report.kit.style import BLUE, MUTED, VERMILLION, styled

ROW = 0.24  # inches
MOST = 40  # rows
LEAST = 0.02  # half the width of the axis


@styled
def draw_comparison(found: Comparison) -> Figure | None:
    """Growth of the peak (a diamond) and of the median step (a dot with its error), Cell by Cell.

    The Cells that changed, and below them all others whose times were compared, as far as there is
    room; None if there is no such Cell.
    """
    drawable = [pair for pair in found.pairs if pair.memory or pair.spreads]
    shown = sorted(drawable, key=lambda pair: not pair.changed)[:MOST]
    if not shown:
        return None
    left_out = len(drawable) - len(shown)
    more = f" Omitted for space: {left_out} more Cells." if left_out else ""
    key = [
        Line2D([], [], marker="D", linestyle="none", color=VERMILLION, label="peak memory"),
        Line2D([], [], marker="o", color=BLUE, label="median step; filled where it changed"),
    ]
    names = cell_names([pair.new for pair in found.pairs])
    labels = [names[pair.key] for pair in shown]
    figure, axes = framed_axes(
        "What changed from the old run to the new",
        f"{caption(found)} Bars: error of the median step. Dashed: the change of most Cells, and "
        f"grey: how far a Cell may differ from it by chance.{more}",
        key,
        height=ROW * (len(shown) + 1),
        left=text_inches(labels, TEXT_POINTS - 1) + 0.2,
    )
    common, noise = found.drift.factor, math.exp(found.drift.noise)
    axes.axvspan(common / noise - 1, common * noise - 1, color="#EFEFEF", linewidth=0)
    axes.axvline(common - 1, color=MUTED, linewidth=0.8, linestyle="--")
    axes.axvline(0, color=MUTED, linewidth=0.8)
    for row, pair in enumerate(shown):
        _draw(axes, row, pair)
    axes.set_yticks(range(len(shown)), labels, size=TEXT_POINTS - 1)
    axes.set_ylim(len(shown) - 0.5, -0.5)
    widest = max(abs(x) for x in (*axes.get_xlim(), LEAST))
    axes.set_xlim(-widest, widest)
    axes.xaxis.set_major_locator(MaxNLocator(7))
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.set_xlabel("growth (right of 0: more memory or time)")
    return figure


def _draw(axes: Axes, row: int, pair: CellPair) -> None:
    if pair.memory:  # the peak that changed most
        growth = max((change.growth for change in pair.memory), key=abs)
        axes.plot(growth, row, marker="D", color=VERMILLION, linestyle="none")
    if pair.spreads:
        before, after = pair.spreads
        ratio, error = after.median / before.median, ratio_error(before, after)
        face = BLUE if pair.time else "white"  # filled where it is more than noise
        axes.errorbar(
            ratio - 1, row, xerr=ratio * error, marker="o", color=BLUE, markerfacecolor=face
        )

"""Accuracy against what it costs: one bubble a method, the Pareto front, and the yardsticks."""

from collections.abc import Mapping, Sequence
from statistics import mean, stdev
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import LogLocator, NullLocator

from samfit.harness.report.accuracy.describe import describe_source, metric_name
from samfit.harness.report.accuracy.standings import PRETRAINED, UNKNOWING, Standings
from samfit.harness.report.kit.frame import DPI, framed_axes
from samfit.harness.report.kit.labels import LINE_INCHES, Label, label_points
from samfit.harness.report.kit.select import Series
from samfit.harness.report.kit.style import MUTED, MethodStyle, kind_handles, method_styles

LARGEST, SMALLEST = 22.0, 4.0  # diameters of bubbles in points
PARAMETERS = 3000  # that one square point stands for, unless bubbles would be too large
BAR: dict[str, Any] = {"fmt": "none", "capsize": 2, "elinewidth": 0.9}
LINES = {PRETRAINED: "--", UNKNOWING: ":"}
BELOW_FRONT: dict[str, Any] = {"color": "#F1F1F1", "linewidth": 0}
COST_MARGIN, SCORE_MARGIN = 1.1, 0.06  # beside the points: a factor, a share of their span


class Point(NamedTuple):
    """One method: what it costs, and for each seed its mean score over the tasks."""

    series: Series
    cost: float
    scores: Sequence[float]

    @property
    def score(self) -> float:
        """The mean over seeds."""
        return mean(self.scores)

    @property
    def spread(self) -> float:
        """The standard deviation over seeds, 0 for one."""
        return stdev(self.scores) if len(self.scores) > 1 else 0.0

    @property
    def parameters(self) -> int:
        """Of the adapter alone."""
        params = self.series.records[0].params
        return params.adapter if params else 0


class LineEnd(MethodStyle):
    """The mark of a yardstick, which is a line and no point."""

    def marker(self) -> dict[str, Any]:
        """A dash."""
        return {**super().marker(), "marker": "_"}


def points_of(found: Standings, costs: Mapping[str, float]) -> list[Point]:
    """The methods that were scored on every task and have one of ``costs``, which go by label."""
    return [
        Point(one.series, costs[one.series.label], scores)
        for one in found.methods
        if (scores := one.scores(found.tasks)) and one.series.label in costs
    ]


def pareto_front(points: Sequence[Point]) -> list[Point]:
    """The points of which each is better than all that cost no more, the cheapest first."""
    front: list[Point] = []
    for point in sorted(points, key=lambda point: (point.cost, -point.score)):
        if not front or point.score > front[-1].score:
            front.append(point)
    return front


def draw_points(
    found: Standings, points: Sequence[Point], title: str, cost: str, source: str
) -> Figure:
    """Mean score over tasks against a cost (log scale), which ``cost`` names with its unit.

    ``source`` is what the caption says about the cost, as sentences.
    """
    series, front = [point.series for point in points], pareto_front(points)
    yardsticks = {
        one.series.label: mean(scores)
        for one in found.yardsticks
        if (scores := one.scores(found.tasks))
    }
    figure, axes = framed_axes(
        title,
        f"{_caption(found, points, front)}{source}{describe_source(found)}",
        [
            *kind_handles(series, lines=False),
            Patch(label="below the Pareto front", **BELOW_FRONT),
        ],
        height=max(4.2, 1.3 * LINE_INCHES * len(points)),
    )
    _set_axes(axes, points, list(yardsticks.values()))
    axes.set_xlabel(cost)
    axes.set_ylabel(_score_name(found))
    _shade_below(axes, front)
    styles, per = method_styles(series), _parameters_per_area(points)
    labels = [_draw_bubble(axes, point, per, styles[point.series.label]) for point in points]
    labels += [_draw_yardstick(axes, label, score) for label, score in yardsticks.items()]
    label_points(axes, labels)
    return figure


def _draw_bubble(axes: Axes, point: Point, per: float, style: MethodStyle) -> Label:
    """A mark on a bar of a standard deviation; its label stands right of its end.

    One square point stands for ``per`` parameters.
    """
    size = max(SMALLEST, (point.parameters / per) ** 0.5)
    at = [point.cost], [point.score]
    if point.spread:
        axes.errorbar(*at, [point.spread], ecolor=style.colour, **BAR)
    axes.plot(*at, **style.marker(), markersize=size, zorder=3 - size / LARGEST)
    x, y = axes.transData.transform((point.cost, point.score))
    end, _ = axes.transData.inverted().transform((x + (size - SMALLEST) / 2 * DPI / 72, y))
    return Label(end, point.score, point.series.label, style)


def _draw_yardstick(axes: Axes, label: str, score: float) -> Label:
    axes.axhline(score, color=MUTED, linewidth=1.1, linestyle=LINES[label], zorder=1)
    return Label(axes.get_xlim()[1], score, label, LineEnd(MUTED, "full", parallel=False))


def _shade_below(axes: Axes, front: Sequence[Point]) -> None:
    """The area where some method is better and costs less."""
    bottom, right = axes.get_ylim()[0], axes.get_xlim()[1]
    costs = [*(point.cost for point in front), right]
    scores = [*(point.score for point in front), front[-1].score]
    axes.fill_between(costs, scores, bottom, step="post", zorder=0, **BELOW_FRONT)


def _parameters_per_area(points: Sequence[Point]) -> float:
    """Parameters that one square point of a bubble stands for."""
    return max(PARAMETERS, _most(points) / LARGEST**2)


def _most(points: Sequence[Point]) -> int:
    """Parameters of the largest adapter."""
    return max(point.parameters for point in points)


def _set_axes(axes: Axes, points: Sequence[Point], lines: Sequence[float]) -> None:
    """Limits and ticks, with room for all bars."""
    costs = [point.cost for point in points]
    axes.set_xscale("log")
    axes.set_xlim(min(costs) / COST_MARGIN, max(costs) * COST_MARGIN)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 4, 5, 6, 8)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter("{x:g}")
    low = min(*lines, *(point.score - point.spread for point in points))
    high = max(*lines, *(point.score + point.spread for point in points))
    margin = SCORE_MARGIN * (high - low or 1)
    axes.set_ylim(low - margin, high + margin)


def _score_name(found: Standings) -> str:
    name, tasks = metric_name(found.tasks), len(found.tasks)
    return name if tasks == 1 else f"{name}, mean over {tasks} tasks"


def _caption(found: Standings, points: Sequence[Point], front: Sequence[Point]) -> str:
    """What marks mean, which methods are on the front, and which are not there."""
    smallest = SMALLEST**2 * _parameters_per_area(points)
    bars = "; bars: standard deviation over seeds" if any(p.spread for p in points) else ""
    shown = {point.series.label for point in points}
    others = [one.series.label for one in found.methods if one.series.label not in shown]
    left_out = f"Not shown, without both figures: {', '.join(others)}. " if others else ""
    return (
        f"Area of bubbles: parameters of the adapter, from {smallest:,.0f} or fewer to "
        f"{_most(points):,}{bars}. On the Pareto front, where no other method is better and costs "
        f"less: {', '.join(point.series.label for point in front)}. {left_out}"
    )

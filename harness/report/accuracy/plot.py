"""Accuracy against what it costs: one bubble a method, the Pareto front, and the baselines."""

from collections.abc import Collection, Mapping, Sequence
from statistics import mean, stdev
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import LogLocator

from samfit.harness.report.accuracy.captions import describe_source, metric_name
from samfit.harness.report.accuracy.scored import PRETRAINED, RANDOM, ScoredMethods
from samfit.harness.report.kit.describe import assumptions, describe_memory
from samfit.harness.report.kit.frame import DPI, framed_axes, log_axis
from samfit.harness.report.kit.labels import LINE_INCHES, Label, label_points
from samfit.harness.report.kit.select import MARK, Series
from samfit.harness.report.kit.style import MUTED, MethodStyle, kind_handles, method_styles, styled
from samfit.units import MIB

LARGEST, SMALLEST = 22.0, 4.0  # diameters of bubbles in points
PARAMETERS = 3000  # that one square point stands for, unless bubbles would be too large
BAR: dict[str, Any] = {"fmt": "none", "capsize": 2, "elinewidth": 0.9}
LINES = {PRETRAINED: "--", RANDOM: ":"}
TRAINING_TIME = "Training time: median over seeds and tasks. "
ON_CPU = "On a CPU, models are trained side by side, each on one thread. "
BELOW_FRONT: dict[str, Any] = {"color": "#F1F1F1", "linewidth": 0}
COST_MARGIN, SCORE_MARGIN = 1.1, 0.06  # beside the points: a factor, a share of their span


class Point(NamedTuple):
    """One method: what it costs, for each seed its mean score over the tasks, and its label."""

    series: Series
    cost: float
    scores: Sequence[float]
    label: str

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


@styled
def accuracy_vs_memory(found: ScoredMethods) -> Figure | None:
    """Mean score over tasks against predicted peak memory (MiB, log scale), one bubble a method.

    Memory is that of the very step by which a method was trained. None unless two methods have
    both figures.
    """
    steps = {one.series.label: one.prediction for one in found.methods if one.prediction}
    if len(steps) < 2:
        return None
    shown = list(steps.values())
    return _draw(
        found,
        {k: step.memory.peak_allocated_bytes / MIB for k, step in steps.items() if step.memory},
        "Accuracy against the memory of a training step",
        "predicted peak memory allocated (MiB)",
        f"{assumptions(shown)}Memory, of a step with one class: {describe_memory(shown)}. ",
        marked=[label for label, step in steps.items() if step.assumption],
    )


@styled
def accuracy_vs_time(found: ScoredMethods) -> Figure | None:
    """Mean score over tasks against training time (s, log scale), one bubble a method.

    None unless two methods were scored.
    """
    on_cpu = ON_CPU if found.trained[0].source == "measured-cpu" else ""
    times = {one.series.label: one.train_s() for one in found.methods}
    title, cost = "Accuracy against training time", "training time (s)"
    return _draw(found, times, title, cost, TRAINING_TIME + on_cpu)


def pareto_front(points: Sequence[Point]) -> list[Point]:
    """The points of which each is better than all that cost no more, the cheapest first."""
    front: list[Point] = []
    for point in sorted(points, key=lambda point: (point.cost, -point.score)):
        if not front or point.score > front[-1].score:
            front.append(point)
    return front


def _draw(
    found: ScoredMethods,
    costs: Mapping[str, float],
    title: str,
    cost: str,
    source: str,
    marked: Collection[str] = (),
) -> Figure | None:
    """Mean score over tasks against ``costs`` (log scale), which go by label.

    ``cost`` names them with their unit, ``source`` is what the caption says about them; those of
    ``marked`` rest on an assumption.
    """
    points = [
        Point(one.series, costs[label], scores, label + MARK if label in marked else label)
        for one in found.methods
        if (scores := one.scores(found.tasks)) and (label := one.series.label) in costs
    ]
    if len(points) < 2:
        return None
    series, front = [point.series for point in points], pareto_front(points)
    most = max(point.parameters for point in points)
    per = max(PARAMETERS, most / LARGEST**2)
    scores_of = {one.series.label: one.scores(found.tasks) for one in found.baselines}
    baselines = {label: mean(scores) for label, scores in scores_of.items() if scores}
    figure, axes = framed_axes(
        title,
        f"Bubble area: parameters of the adapter, from {SMALLEST**2 * per:,.0f} or fewer to "
        f"{most:,}{_caption(found, points, front)}{source}{describe_source(found)}",
        [*kind_handles(series, lines=False), Patch(label="below the Pareto front", **BELOW_FRONT)],
        height=max(4.2, 1.3 * LINE_INCHES * len(points)),
    )
    _set_axes(axes, points, list(baselines.values()))
    axes.set_xlabel(cost)
    over = f", mean over {len(found.tasks)} tasks" if len(found.tasks) > 1 else ""
    axes.set_ylabel(metric_name(found.tasks) + over)
    _shade_below(axes, front)
    styles = method_styles(series)
    labels = [_draw_bubble(axes, point, per, styles[point.series.label]) for point in points]
    labels += [_draw_baseline(axes, label, score) for label, score in baselines.items()]
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
    return Label(end, point.score, point.label, style.marker())


def _draw_baseline(axes: Axes, label: str, score: float) -> Label:
    axes.axhline(score, color=MUTED, linewidth=1.1, linestyle=LINES[label], zorder=1)
    return Label(axes.get_xlim()[1], score, label, {"color": MUTED, "marker": "_"})


def _shade_below(axes: Axes, front: Sequence[Point]) -> None:
    """The area where some method is better and costs less."""
    bottom, right = axes.get_ylim()[0], axes.get_xlim()[1]
    costs = [*(point.cost for point in front), right]
    scores = [*(point.score for point in front), front[-1].score]
    axes.fill_between(costs, scores, bottom, step="post", zorder=0, **BELOW_FRONT)


def _set_axes(axes: Axes, points: Sequence[Point], lines: Sequence[float]) -> None:
    """Limits and ticks, with room for all bars."""
    costs = [point.cost for point in points]
    ticks = LogLocator(subs=(1, 2, 3, 4, 5, 6, 8))
    log_axis(axes, "x", min(costs) / COST_MARGIN, max(costs) * COST_MARGIN, ticks)
    low = min(*lines, *(point.score - point.spread for point in points))
    high = max(*lines, *(point.score + point.spread for point in points))
    margin = SCORE_MARGIN * (high - low or 1)
    axes.set_ylim(low - margin, high + margin)


def _caption(found: ScoredMethods, points: Sequence[Point], front: Sequence[Point]) -> str:
    """What bars mean, which methods are on the front, and which are not there."""
    bars = "; bars: standard deviation over seeds" if any(p.spread for p in points) else ""
    shown = {point.series.label for point in points}
    others = [one.series.label for one in found.methods if one.series.label not in shown]
    left_out = f"Not shown, as one of the two figures is missing: {', '.join(others)}. "
    return (
        f"{bars}. On the Pareto front, where no other method is better and costs less: "
        f"{', '.join(point.label for point in front)}. {left_out if others else ''}"
    )

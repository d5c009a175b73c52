"""Accuracy against the time that training took."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from samfit.harness.record.record import Record
from samfit.harness.report.accuracy.accuracy_points import draw_points, points_of
from samfit.harness.report.accuracy.standings import standings
from samfit.harness.report.kit.style import styled

CAPTION = "Time is that of a whole training: the median over seeds and tasks. "
SIDE_BY_SIDE = "On a CPU a sweep trains models side by side, each on one thread. "


@styled
def accuracy_vs_time(records: Sequence[Record]) -> Figure | None:
    """Mean score over tasks against training time (s, log scale), one bubble a method.

    None unless two methods were scored.
    """
    found = standings(records)
    if found is None:
        return None
    points = points_of(found, {one.series.label: one.train_s() for one in found.methods})
    if len(points) < 2:
        return None
    side_by_side = SIDE_BY_SIDE if found.trained[0].source == "measured-cpu" else ""
    return draw_points(
        found,
        points,
        "Accuracy against training time",
        "time of a training (s)",
        f"{CAPTION}{side_by_side}",
    )

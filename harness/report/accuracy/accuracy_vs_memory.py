"""Accuracy against the memory of the training step that led to it."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from samfit.harness.record.record import Record
from samfit.harness.report.accuracy.accuracy_points import draw_points, points_of
from samfit.harness.report.accuracy.standings import (
    predicted_steps,
    prediction_of,
    standings,
)
from samfit.harness.report.kit.describe import MIB, assumptions, describe_memory
from samfit.harness.report.kit.style import styled


@styled
def accuracy_vs_memory(records: Sequence[Record]) -> Figure | None:
    """Mean score over tasks against predicted peak memory (MiB, log scale), one bubble a method.

    Memory is that of the very step by which a method was trained. None unless two methods have
    both figures.
    """
    found = standings(records)
    if found is None:
        return None
    predicted = predicted_steps(records)
    steps = {
        one.series.label: step for one in found.methods if (step := prediction_of(one, predicted))
    }
    peaks = {k: step.memory.peak_allocated_bytes / MIB for k, step in steps.items() if step.memory}
    points = points_of(found, peaks)
    if len(points) < 2:
        return None
    shown = [steps[point.series.label] for point in points]
    return draw_points(
        found,
        points,
        "Accuracy against the memory of a training step",
        "predicted peak memory allocated (MiB)",
        f"{assumptions(shown)}Memory, of a step with one class: {describe_memory(shown)}. ",
    )

"""Live memory over one step, in one panel a method."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from harness.record import Measurement, Memory, Timeline
from harness.report.describe import (
    Unit,
    assumptions,
    describe_memory,
    short_number,
    step_name,
    unit_for,
)
from harness.report.plots.frame import framed_axes
from harness.report.plots.gap import times_parallel
from harness.report.plots.panels import draw_panels, grid_of
from harness.report.plots.style import MethodStyle, method_styles, styled
from harness.report.select import Series, at_batch_size, memory_records, series_of

GREYS = ("#DADADA", "#9C9C9C", "#444444")  # of the phases, in their order
STRIP, HEADROOM = 0.07, 0.08  # below zero and above the highest peak, as share of that peak
CAPTION = (
    "Marks stand at the peaks. Progress counts allocations and frees, not time, and is scaled to "
    "each method's own step. "
)


class Step(NamedTuple):
    """One method's step."""

    series: Series
    memory: Memory
    timeline: Timeline


@styled
def timeline(records: Sequence[Measurement]) -> Figure | None:
    """Live memory over one step, one panel a method: parallel before serial, then by the peak.

    It shows those of ``records`` that ``select.memory_records`` chooses, at batch size 4 if there
    are any. None if no record holds a timeline.
    """
    shown = at_batch_size([r for r in memory_records(records) if r.memory and r.memory.timeline])
    if not shown:
        return None
    steps, unit = _steps(shown), unit_for(shown)
    series = [step.series for step in steps]
    styles, grid = method_styles(series), grid_of(series)
    names = dict.fromkeys(name for step in steps for name in step.timeline.phase_starts)
    greys = dict(zip(names, GREYS, strict=False))
    figure, frame = framed_axes(
        _title(steps, shown),
        f"One {step_name(shown)}, batch size {shown[0].cell.batch_size}. {CAPTION}"
        f"{assumptions(shown)}Source: {describe_memory(shown)}.",
        [Patch(color=grey, label=name) for name, grey in greys.items()],
        height=grid.total_height,
    )
    frame.set_xlabel("progress through the step")
    frame.set_ylabel(f"live memory ({unit.name})", labelpad=24)
    peaks = {step.series.label: step.memory.peak_allocated_bytes / unit.nbytes for step in steps}
    notes = {label: f"peak {short_number(peak)} {unit.name}" for label, peak in peaks.items()}
    panels = draw_panels(frame, grid, notes)
    for step in steps:
        label = step.series.label
        _draw(panels[label], step.timeline, styles[label], unit)
        _draw_phases(panels[label], step.timeline, greys, -STRIP * max(peaks.values()))
    highest = max(peaks.values())
    for axes in panels.values():
        axes.spines[:].set_visible(False)
    axes.set(xlim=(0, 1), ylim=(-STRIP * highest, (1 + HEADROOM) * highest))
    axes.xaxis.grid(visible=False)
    return figure


def _steps(shown: Sequence[Measurement]) -> list[Step]:
    """The smallest peak first."""
    steps = []
    for series in series_of(shown):
        memory = series.records[-1].memory
        assert memory is not None and memory.timeline is not None
        steps.append(Step(series, memory, memory.timeline))
    return sorted(steps, key=lambda step: step.memory.peak_allocated_bytes)


def _title(steps: Sequence[Step], shown: Sequence[Measurement]) -> str:
    """What is seen, where all serial methods keep more for the backward phase than parallel ones."""
    kept = [s.timeline.live_bytes[s.timeline.phase_starts.get("backward", 0)] for s in steps]
    ratio = times_parallel([step.series for step in steps], kept)
    if ratio is None:
        return f"Memory over one {step_name(shown)}"
    return (
        f"When the backward pass begins, serial methods hold at least {ratio:.1f} times the "
        "memory of any parallel one"
    )


def _draw(axes: Axes, timeline: Timeline, style: MethodStyle, unit: Unit) -> None:
    live = np.array(timeline.live_bytes) / unit.nbytes
    progress = np.linspace(0, 1, len(live))
    axes.fill_between(progress, live, color=style.colour, alpha=0.35, linewidth=0)
    axes.plot(progress, live, color=style.colour, linewidth=0.9)
    top = int(live.argmax())
    axes.plot(progress[top], live[top], **style.marker(), markersize=5)


def _draw_phases(axes: Axes, timeline: Timeline, greys: dict[str, str], low: float) -> None:
    """A strip from ``low`` to zero."""
    last = max(len(timeline.live_bytes) - 1, 1)
    starts = [start / last for start in timeline.phase_starts.values()]
    for name, start, end in zip(timeline.phase_starts, starts, [*starts[1:], 1.0], strict=True):
        axes.barh(0, end - start, low, start, align="edge", color=greys[name], linewidth=0)

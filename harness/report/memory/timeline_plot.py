"""Live memory over one step, in one panel a method."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from samfit.harness.memory.figures import Memory, Timeline
from samfit.harness.record.record import Record
from samfit.harness.report.kit.describe import (
    Unit,
    memory_source,
    short_number,
    step_name,
    unit_for,
)
from samfit.harness.report.kit.frame import framed_axes
from samfit.harness.report.kit.panels import draw_panels, grid_of
from samfit.harness.report.kit.select import (
    Series,
    Shown,
    at_batch_size,
    memory_of,
    series_of,
    times_parallel,
)
from samfit.harness.report.kit.style import MethodStyle, kind_handles, method_styles, styled

GREYS = {"forward": "#DADADA", "backward": "#9C9C9C", "optimizer": "#444444"}
STRIP, HEADROOM = 0.07, 0.08  # below zero and above the highest peak, as shares of that peak
TICKS_POINTS = 28  # room for the numbers beside the panels
CAPTION = (
    "Markers show peaks. Progress counts allocations and frees, not time; each panel is scaled to "
    "its own step. "
)


class Step(NamedTuple):
    """One method's step."""

    series: Series
    memory: Memory
    timeline: Timeline


@styled
def timeline(shown: Shown) -> Figure | None:
    """Live memory over one step, one panel a method: parallel before serial, then by the peak.

    At batch size 4 if there are such records; None if none holds a timeline.
    """
    records = at_batch_size([r for r in shown.records if r.memory and r.memory.timeline])
    if not records:
        return None
    steps, unit = _steps(records), unit_for(records)
    series = [step.series for step in steps]
    styles, grid = method_styles(series), grid_of(series)
    phases = {name for step in steps for name in step.timeline.phase_starts}
    figure, frame = framed_axes(
        _title(steps, step_name(records)),
        f"One {step_name(records)}, batch size {records[0].cell.batch_size}. {CAPTION}"
        f"{memory_source(records)}",
        [
            *kind_handles(series, lines=False),
            *(Patch(color=grey, label=name) for name, grey in GREYS.items() if name in phases),
        ],
        height=grid.pitch * len(grid.rows),
    )
    frame.set_xlabel("progress through the step", loc="left", labelpad=6)
    frame.set_ylabel(f"live memory ({unit.name})", labelpad=TICKS_POINTS)
    peaks = {step.series.label: step.memory.peak_allocated_bytes / unit.nbytes for step in steps}
    notes = {label: f"peak {short_number(peak)} {unit.name}" for label, peak in peaks.items()}
    panels = draw_panels(frame, grid, notes)
    highest = max(max(step.timeline.live_bytes) for step in steps) / unit.nbytes
    for step in steps:
        axes, style = panels[step.series.label], styles[step.series.label]
        _draw(axes, step.timeline, style, unit)
        _draw_phases(axes, step.timeline, -STRIP * highest)
    axes.set(xlim=(0, 1), ylim=(-STRIP * highest, (1 + HEADROOM) * highest))  # of all panels
    axes.yaxis.set_major_locator(MaxNLocator(4))
    return figure


def _steps(records: Sequence[Record]) -> list[Step]:
    """The smallest peak first."""
    found = [(series, memory_of(series.records[-1])) for series in series_of(records)]
    steps = [Step(one, memory, memory.timeline) for one, memory in found if memory.timeline]
    return sorted(steps, key=lambda step: step.memory.peak_allocated_bytes)


def _title(steps: Sequence[Step], name: str) -> str:
    """What is seen, where every serial method keeps more for the backward phase."""
    trained = [step for step in steps if "backward" in step.timeline.phase_starts]
    kept = [s.timeline.live_bytes[s.timeline.phase_starts["backward"]] for s in trained]
    ratio = times_parallel([step.series for step in trained], kept)
    if ratio is None:
        return f"Memory over one {name}"
    return (
        f"When the backward pass begins, serial methods hold at least {ratio:.1f} times the "
        "memory of any parallel one"
    )


def _draw(axes: Axes, timeline: Timeline, style: MethodStyle, unit: Unit) -> None:
    axes.spines[:].set_visible(False)
    axes.xaxis.grid(visible=False)
    live = np.array(timeline.live_bytes) / unit.nbytes
    progress = np.linspace(0, 1, len(live))
    axes.fill_between(progress, live, color=style.colour, alpha=0.35, linewidth=0)
    axes.plot(progress, live, color=style.colour, linewidth=0.9)
    top = int(live.argmax())
    axes.plot(progress[top], live[top], **style.marker(), markersize=5)


def _draw_phases(axes: Axes, timeline: Timeline, low: float) -> None:
    """A strip from ``low`` to zero."""
    last = max(len(timeline.live_bytes) - 1, 1)
    starts = [start / last for start in timeline.phase_starts.values()]
    for name, start, end in zip(timeline.phase_starts, starts, [*starts[1:], 1.0], strict=True):
        axes.barh(0, end - start, low, start, align="edge", color=GREYS[name], linewidth=0)

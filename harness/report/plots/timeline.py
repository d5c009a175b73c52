"""Live memory over one step, for two methods."""

import textwrap
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.record import Measurement, Memory
from harness.report.describe import (
    Unit,
    assumptions,
    describe_memory,
    short_number,
    step_name,
    unit_for,
)
from harness.report.plots.frame import DPI, TEXT_POINTS, framed_axes, text_inches
from harness.report.plots.free_space import label_in_free_space
from harness.report.plots.labels import Label
from harness.report.plots.style import MethodStyle, method_styles, styled
from harness.report.select import Series, memory_records, series_of

COMPARED = ("cad", "sam_adapter")  # a parallel method, and the serial one it was derived from
PREFERRED_BATCH = 4
HEIGHT, STRIP, STRIP_GAP = 4.3, 0.22, 0.08  # inches
RIGHT = 0.24  # inches, for half of the last tick's label
LABEL_COLUMNS = 46  # characters
CAPTION = (
    "Progress counts allocations and frees, not time, and is scaled to each method's own step; the "
    "strips below show each method's phases. "
)


class Curve(NamedTuple):
    """One method's step, ready to be drawn."""

    series: Series
    memory: Memory
    style: MethodStyle

    def live(self, unit: Unit) -> np.ndarray:
        """Live memory at each point of the timeline."""
        assert self.memory.timeline is not None
        return np.array(self.memory.timeline.live_bytes) / unit.nbytes

    def percent(self) -> np.ndarray:
        """Progress through the step at each point."""
        assert self.memory.timeline is not None
        return np.linspace(0, 100, len(self.memory.timeline.live_bytes))


def compared_records(records: Sequence[Measurement]) -> list[Measurement]:
    """CAD and SAM-Adapter at one batch size, 4 if possible; empty if the two are not there.

    Of a method's variants the one with the fewest settings is taken.
    """
    found: dict[int, dict[str, Measurement]] = {}
    for record in sorted(memory_records(records), key=lambda r: len(r.cell.settings), reverse=True):
        if record.memory and record.memory.timeline:
            found.setdefault(record.cell.batch_size, {})[record.cell.adapter] = record
    complete = {batch: by for batch, by in found.items() if by.keys() >= set(COMPARED)}
    if not complete:
        return []
    batch = PREFERRED_BATCH if PREFERRED_BATCH in complete else max(complete)
    return [complete[batch][name] for name in COMPARED]


@styled
def timeline(records: Sequence[Measurement]) -> Figure | None:
    """Live memory over one step as two areas, with their peaks and phases.

    It shows those of ``records`` that ``compared_records`` chooses; None if there are none.
    """
    return draw_timeline(compared_records(records))


@styled
def draw_timeline(shown: Sequence[Measurement]) -> Figure | None:
    """The same for any records of one batch size that hold a timeline; None for no records."""
    if not shown:
        return None
    curves = _curves(shown)
    names = " and ".join(curve.series.label for curve in curves)
    figure, axes = framed_axes(
        f"Memory over one {step_name(shown)}: {names}, batch size {shown[0].cell.batch_size}",
        f"{CAPTION}{assumptions(shown)}Source: {describe_memory(shown)}.",
        height=HEIGHT,
        right=RIGHT,
    )
    box = axes.get_position()
    per_inch = 1 / figure.get_figheight()
    strips = (STRIP * len(curves) + STRIP_GAP) * per_inch
    axes.set_position((box.x0, box.y0 + strips, box.width, box.height - strips))
    _draw_areas(axes, curves, unit_for(shown))
    below = figure.add_axes((box.x0, box.y0, box.width, STRIP * len(curves) * per_inch))
    _draw_phases(below, curves)
    return figure


def _curves(shown: Sequence[Measurement]) -> list[Curve]:
    """The curve with the highest peak first, so that the others are drawn over it."""
    series = series_of(shown)
    styles = method_styles(series)
    curves = [
        Curve(one, record.memory, styles[one.label])
        for one in series
        for record in one.records
        if record.memory
    ]
    return sorted(curves, key=lambda curve: -curve.memory.peak_allocated_bytes)


def _draw_areas(axes: Axes, curves: Sequence[Curve], unit: Unit) -> None:
    for curve in curves:
        x, y = curve.percent(), curve.live(unit)
        axes.fill_between(x, y, color=curve.style.colour, alpha=0.35, linewidth=0)
        axes.plot(x, y, color=curve.style.colour, linewidth=1.1)
    axes.set_xlim(0, 100)
    axes.set_ylim(0, 1.2 * max(curve.live(unit).max() for curve in curves))
    axes.set_ylabel(f"live memory ({unit.name})")
    axes.tick_params(axis="x", labelbottom=False, length=0)
    _mark_peaks(axes, curves, unit)


def _mark_peaks(axes: Axes, curves: Sequence[Curve], unit: Unit) -> None:
    """A dot at each peak, with the method, the value, and where in the step it occurs."""
    labels = []
    for curve in curves:
        memory, live = curve.memory, curve.live(unit)
        top = int(live.argmax())
        x, y = float(curve.percent()[top]), float(live[top])
        axes.plot([x], [y], color=curve.style.colour, marker="o", markersize=5)
        peak = f"{short_number(memory.peak_allocated_bytes / unit.nbytes)} {unit.name}"
        where = f"{memory.peak_phase}, {memory.peak_module or 'outside of modules'}"
        lines = [*textwrap.wrap(f"{curve.series.label}: peak {peak}", LABEL_COLUMNS), where]
        labels.append(Label(x, y, "\n".join(lines), curve.style))
    label_in_free_space(axes, labels)


def _draw_phases(axes: Axes, curves: Sequence[Curve]) -> None:
    """One strip a method with the names of its phases, in the order of the areas' heights."""
    axes.set_xlim(0, 100)
    axes.set_ylim(len(curves), 0)
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("progress through the step (%)")
    inches_per_percent = axes.get_window_extent().width / DPI / 100
    for row, curve in enumerate(curves):
        for place, (phase, start, end) in enumerate(_phases(curve)):
            axes.barh(
                row + 0.5, end - start, 0.8, start, color=curve.style.colour,
                alpha=(0.25, 0.5)[place % 2], linewidth=0,
            )  # fmt: skip
            if text_inches([phase], TEXT_POINTS) < (end - start) * inches_per_percent:
                middle = (start + end) / 2
                axes.text(
                    middle, row + 0.5, phase, size=TEXT_POINTS, ha="center", va="center_baseline"
                )


def _phases(curve: Curve) -> list[tuple[str, float, float]]:
    """Name, start and end of each phase, the latter two in percent of the step."""
    timeline = curve.memory.timeline
    assert timeline is not None
    last = max(len(timeline.live_bytes) - 1, 1)
    starts = [100 * start / last for start in timeline.phase_starts.values()]
    return list(zip(timeline.phase_starts, starts, [*starts[1:], 100.0], strict=True))

"""Images per second against batch size."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.record import Measurement, Spread
from harness.report.describe import describe_times, short_number, step_name
from harness.report.plots.frame import batch_axis, framed_axes
from harness.report.plots.labels import LINE_INCHES, Label, label_line_ends
from harness.report.plots.out_of_memory import (
    mark_out_of_memory,
    out_of_memory_handles,
    out_of_memory_inches,
)
from harness.report.plots.style import kind_handles, method_styles, styled
from harness.report.select import Series, has_times, series_of, time_records

CAPTION = "Median of the timed steps; bars reach from the 10th to the 90th percentile. "


@styled
def throughput_vs_batch(records: Sequence[Measurement]) -> Figure | None:
    """Images per second against batch size, one line a method, with bars from p10 to p90.

    It shows those of ``records`` that ``select.time_records`` chooses; None if no record holds
    times.
    """
    shown = time_records(records)
    if not shown:
        return None
    series = series_of(shown)
    figure, axes = framed_axes(
        f"Throughput of the {step_name(shown)} against batch size",
        f"{CAPTION}Source: {describe_times(shown)}.",
        [*kind_handles(series), *out_of_memory_handles(series)],
        height=max(3.9, LINE_INCHES * len(series)),
        above=out_of_memory_inches(series),
    )
    _draw(axes, series)
    return figure


def _draw(axes: Axes, shown: Sequence[Series]) -> None:
    styles = method_styles(shown)
    labels = []
    for series in shown:
        times = _times(series)
        if not times:
            continue
        speeds = {batch: 1000 * batch / spread.median for batch, spread in times.items()}
        # A long step is a low throughput: the lower end of the bar is the 90th percentile.
        below = [speeds[batch] - 1000 * batch / spread.p90 for batch, spread in times.items()]
        above = [1000 * batch / spread.p10 - speeds[batch] for batch, spread in times.items()]
        style = styles[series.label]
        axes.errorbar(
            list(speeds), list(speeds.values()), [below, above], capsize=2.5, elinewidth=0.9,
            **style.line(),
        )  # fmt: skip
        batch, speed = list(speeds.items())[-1]
        labels.append(Label(batch, speed, f"{series.label}  {short_number(speed)}", style))
    batch_axis(axes, [batch for series in shown for batch in series.by_batch()])
    axes.set_ylim(0, None)
    axes.set_ylabel("images per second")
    label_line_ends(axes, labels)
    mark_out_of_memory(axes, shown, styles)


def _times(series: Series) -> dict[int, Spread]:
    return {
        batch: record.timing.step_ms
        for batch, record in series.by_batch().items()
        if record.timing.step_ms and has_times(record)
    }

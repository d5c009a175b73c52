"""Images per second by batch size."""

from collections.abc import Sequence

from samfit.harness.record.record import Record
from samfit.harness.report.kit.describe import describe_times, origin, short_number, step_name
from samfit.harness.report.kit.select import Series, series_of
from samfit.harness.report.kit.tables import MISSING, CaptionedTable, by_batch_size


def throughput_table(shown: Sequence[Record]) -> CaptionedTable:
    """Images per second, methods against batch sizes, the fastest method first.

    An asterisk marks times that are not stable. ``shown`` is not empty.
    """
    frame = by_batch_size(sorted(series_of(shown), key=_highest_speed, reverse=True), _speed)
    title = f"Throughput of the {step_name(shown)}, images per second by batch size"
    caption = f"Median of the timed steps. Source: {describe_times(shown)}; {origin(shown)}."
    if any(record.timing.stable is False for record in shown):
        caption += " Asterisk: times spread (p10 to p90) over more than a tenth of their median."
    return CaptionedTable(frame, title, caption)


def _speed(record: Record) -> str:
    speed = record.timing.images_per_second
    if speed is None:
        return MISSING
    return short_number(speed) + ("*" if record.timing.stable is False else "")


def _highest_speed(series: Series) -> float:
    return max((r.timing.images_per_second or 0 for r in series.records), default=0)

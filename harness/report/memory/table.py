"""Peak memory by batch size."""

from samfit.harness.record.record import Record
from samfit.harness.report.kit.describe import describe_memory, origin, step_name
from samfit.harness.report.kit.select import Series, Shown, has_memory, series_of
from samfit.harness.report.kit.tables import MISSING, CaptionedTable, by_batch_size, mib


def memory_table(shown: Shown) -> CaptionedTable:
    """Peak memory allocated in MiB, methods against batch sizes, the most frugal method first."""
    records = shown.records
    frame = by_batch_size(sorted(series_of(records), key=_smallest_peak), _peak)
    title = f"Peak memory allocated in one {step_name(records)}, MiB by batch size"
    caption = f"Source: {describe_memory(records)}; {origin(records)}."
    return CaptionedTable(frame, title, caption)


def _peak(record: Record) -> str:
    return mib(record.memory.peak_allocated_bytes) if record.memory else MISSING


def _smallest_peak(series: Series) -> float:
    peaks = [r.memory.peak_allocated_bytes for r in series.records if r.memory and has_memory(r)]
    return min(peaks, default=float("inf"))

"""Predicted against measured, Cell by Cell."""

from collections.abc import Sequence

import pandas as pd

from harness.record import Measurement
from harness.report.describe import assumptions, describe_memory, origin
from harness.report.select import cuda_counterparts, has_memory, memory_records, series_of
from harness.report.tables import CaptionedTable

MIB = 2**20


def agreement_table(records: Sequence[Measurement]) -> CaptionedTable:
    """Memory of each Cell that was predicted and measured on CUDA, and the prediction's error.

    The frame is empty where no Cell was both.
    """
    shown = memory_records(records)
    predicted = {r.cell.key: r for r in shown if r.source == "predicted" and has_memory(r)}
    counterparts = cuda_counterparts(records, shown)
    measured = [r for r in counterparts if has_memory(r) and r.cell.key in predicted]
    if not measured:
        return CaptionedTable(pd.DataFrame(), "Predicted against measured", "")
    rows = [
        {"method": series.label, "batch": str(batch), **_row(predicted[record.cell.key], record)}
        for series in series_of(measured)
        for batch, record in series.by_batch().items()
    ]
    caption = (
        "Peaks of torch's allocator, allocated (alloc.) and reserved; the error is predicted over "
        "measured, less one. "
        f"{assumptions([predicted[record.cell.key] for record in measured])}"
        f"Source: {describe_memory(measured)}; {origin(measured)}."
    )
    title = "Predicted against measured memory of one step, MiB"
    return CaptionedTable(pd.DataFrame(rows), title, caption)


def _row(predicted: Measurement, measured: Measurement) -> dict[str, str]:
    assert predicted.memory and measured.memory
    ours, theirs = predicted.memory, measured.memory
    assert ours.peak_reserved_bytes and theirs.peak_reserved_bytes
    return {
        **_compare("alloc.", ours.peak_allocated_bytes, theirs.peak_allocated_bytes),
        **_compare("reserved", ours.peak_reserved_bytes, theirs.peak_reserved_bytes),
    }


def _compare(what: str, predicted: int, measured: int) -> dict[str, str]:
    return {
        f"{what} predicted": f"{predicted / MIB:,.0f}",
        f"{what} measured": f"{measured / MIB:,.0f}",
        f"{what} error": f"{predicted / measured - 1:+.1%}",
    }

"""Predicted against measured, Cell by Cell."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import pandas as pd

from samfit.harness.memory.figures import Memory
from samfit.harness.record.record import Record
from samfit.harness.report.kit.describe import MIB, assumptions, describe_memory, origin
from samfit.harness.report.kit.select import (
    cuda_counterparts,
    has_memory,
    memory_records,
    series_of,
)
from samfit.harness.report.kit.tables import MISSING, CaptionedTable


class Pair(NamedTuple):
    """A Cell that was predicted and measured; both records hold a peak."""

    predicted: Record
    measured: Record

    @property
    def memories(self) -> tuple[Memory, Memory]:
        """Predicted and measured."""
        assert self.predicted.memory and self.measured.memory
        return self.predicted.memory, self.measured.memory

    @property
    def allocated_error(self) -> float:
        """Predicted over measured peak of allocated memory, less one."""
        ours, theirs = self.memories
        return ours.peak_allocated_bytes / theirs.peak_allocated_bytes - 1

    @property
    def reserved_error(self) -> float | None:
        """The same of reserved memory; None on a device without an allocator that reserves."""
        ours, theirs = self.memories
        if ours.peak_reserved_bytes is None or theirs.peak_reserved_bytes is None:
            return None
        return ours.peak_reserved_bytes / theirs.peak_reserved_bytes - 1

    def figures(self) -> dict[str, str]:
        """Peaks in MiB and errors in percent, as columns of a table."""
        ours, theirs = self.memories
        return {
            "alloc. predicted": _mib(ours.peak_allocated_bytes),
            "alloc. measured": _mib(theirs.peak_allocated_bytes),
            "alloc. error": _percent(self.allocated_error),
            "reserved predicted": _mib(ours.peak_reserved_bytes),
            "reserved measured": _mib(theirs.peak_reserved_bytes),
            "reserved error": _percent(self.reserved_error),
        }


def pairs(records: Iterable[Record]) -> list[Pair]:
    """The Cells among ``records`` that were both predicted and measured, in order of measuring."""
    complete = [record for record in records if has_memory(record)]
    predicted = {record.cell.key: record for record in complete if record.source == "predicted"}
    measured = [record for record in complete if record.source != "predicted"]
    return [Pair(predicted[m.cell.key], m) for m in measured if m.cell.key in predicted]


def agreement_table(records: Sequence[Record]) -> CaptionedTable:
    """Memory of each Cell that was predicted and measured on CUDA, and the prediction's error.

    It shows methods as the table of memory does; the frame is empty where no Cell was both.
    """
    shown = [record for record in memory_records(records) if record.source == "predicted"]
    found = {p.measured.key: p for p in pairs([*shown, *cuda_counterparts(records, shown)])}
    measured = [pair.measured for pair in found.values()]
    title = "Predicted against measured memory of one step, MiB"
    if not found:
        return CaptionedTable(pd.DataFrame(), title, "")
    rows = [
        {"method": series.label, "batch": str(batch), **found[record.key].figures()}
        for series in series_of(measured)
        for batch, record in series.by_batch().items()
    ]
    caption = (
        "Peaks of torch's allocator, allocated (alloc.) and reserved; the error is predicted over "
        "measured, less one. "
        f"{assumptions([pair.predicted for pair in found.values()])}"
        f"Source: {describe_memory(measured)}; {origin(measured)}."
    )
    return CaptionedTable(pd.DataFrame(rows), title, caption)


def _mib(nbytes: int | None) -> str:
    return MISSING if nbytes is None else f"{nbytes / MIB:,.0f}"


def _percent(error: float | None) -> str:
    return MISSING if error is None else f"{error:+.1%}"

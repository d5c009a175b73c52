"""Predicted against measured, Cell by Cell."""

from collections.abc import Iterable
from typing import NamedTuple

from samfit.harness.memory.figures import Memory
from samfit.harness.record.record import Record
from samfit.harness.report.kit.select import has_memory, memory_of
from samfit.harness.report.kit.tables import MISSING, mib


class AgreementPair(NamedTuple):
    """A Cell that was predicted and measured; both records hold a peak."""

    predicted: Record
    measured: Record

    @property
    def memories(self) -> tuple[Memory, Memory]:
        """Predicted and measured."""
        return memory_of(self.predicted), memory_of(self.measured)

    @property
    def allocated_error(self) -> float:
        """Predicted over measured peak of allocated memory, less one."""
        ours, theirs = self.memories
        return ours.peak_allocated_bytes / theirs.peak_allocated_bytes - 1

    @property
    def reserved_error(self) -> float | None:
        """The same of reserved memory; None on a device without an allocator that reserves."""
        ours, theirs = (memory.peak_reserved_bytes for memory in self.memories)
        return None if ours is None or theirs is None else ours / theirs - 1

    def figures(self) -> dict[str, str]:
        """Peaks in MiB and errors in percent, as columns of a table."""
        ours, theirs = self.memories
        return {
            "alloc. predicted": mib(ours.peak_allocated_bytes),
            "alloc. measured": mib(theirs.peak_allocated_bytes),
            "alloc. error": _percent(self.allocated_error),
            "reserved predicted": mib(ours.peak_reserved_bytes),
            "reserved measured": mib(theirs.peak_reserved_bytes),
            "reserved error": _percent(self.reserved_error),
        }


def pairs(records: Iterable[Record]) -> list[AgreementPair]:
    """The Cells among ``records`` that were both predicted and measured, in order of measuring."""
    complete = [record for record in records if has_memory(record)]
    predicted = {record.cell.key: record for record in complete if record.source == "predicted"}
    measured = [record for record in complete if record.source != "predicted"]
    return [AgreementPair(predicted[m.cell.key], m) for m in measured if m.cell.key in predicted]


def _percent(error: float | None) -> str:
    return MISSING if error is None else f"{error:+.1%}"

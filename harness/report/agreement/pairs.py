"""Two figures for the same Cell, side by side."""

from collections.abc import Iterable
from typing import NamedTuple

from samfit.harness.memory.figures import Memory
from samfit.harness.record.cell import Cell
from samfit.harness.record.record import Record
from samfit.harness.report.kit.select import has_memory, memory_of
from samfit.harness.report.kit.tables import MISSING, mib


class Words(NamedTuple):
    """What the two records of a pair are called."""

    claim: str
    reference: str


MEASURED = Words("predicted", "measured")
REHEARSED = Words("traced", "rehearsed")


class AgreementPair(NamedTuple):
    """Two records of one Cell, both with a peak: ``claim`` is judged by ``reference``."""

    claim: Record
    reference: Record

    @property
    def cell(self) -> Cell:
        """The Cell of both."""
        return self.reference.cell

    @property
    def memories(self) -> tuple[Memory, Memory]:
        """That of the claim, and that of the reference."""
        return memory_of(self.claim), memory_of(self.reference)

    @property
    def allocated_error(self) -> float:
        """Claimed over true peak of allocated memory, less one."""
        ours, theirs = self.memories
        return ours.peak_allocated_bytes / theirs.peak_allocated_bytes - 1

    @property
    def reserved_error(self) -> float | None:
        """The same of reserved memory; None on a device without an allocator that reserves."""
        ours, theirs = (memory.peak_reserved_bytes for memory in self.memories)
        return None if ours is None or theirs is None else ours / theirs - 1

    def figures(self, words: Words) -> dict[str, str]:
        """Peaks in MiB and errors in percent, as columns of a table."""
        ours, theirs = self.memories
        return {
            f"alloc. {words.claim}": mib(ours.peak_allocated_bytes),
            f"alloc. {words.reference}": mib(theirs.peak_allocated_bytes),
            "alloc. error": percent(self.allocated_error),
            f"reserved {words.claim}": mib(ours.peak_reserved_bytes),
            f"reserved {words.reference}": mib(theirs.peak_reserved_bytes),
            "reserved error": percent(self.reserved_error),
        }


def predicted_and_measured(records: Iterable[Record]) -> list[AgreementPair]:
    """The Cells that were both predicted and measured, in order of measuring."""
    complete = [record for record in records if has_memory(record)]
    predicted = [record for record in complete if record.source == "predicted"]
    return _pairs(predicted, [r for r in complete if r.source.startswith("measured")])


def traced_and_rehearsed(records: Iterable[Record]) -> list[AgreementPair]:
    """The Cells that were both traced and rehearsed, in order of rehearsing."""
    complete = [record for record in records if has_memory(record)]
    traced = [record for record in complete if record.source == "traced"]
    return _pairs(traced, [r for r in complete if memory_of(r).instrument == "rehearsal"])


def percent(error: float | None) -> str:
    """A share in percent, with its sign; a dash for what is not known."""
    return MISSING if error is None else f"{error:+.2%}"


def _pairs(claims: Iterable[Record], references: Iterable[Record]) -> list[AgreementPair]:
    of = {record.cell.key: record for record in claims}
    return [AgreementPair(of[r.cell.key], r) for r in references if r.cell.key in of]

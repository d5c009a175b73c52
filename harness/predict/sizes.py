"""What a step takes on a card, and whether it ends there, by either instrument."""

from dataclasses import dataclass, replace
from typing import Protocol

from samfit.harness.device.cards import Card, card_of_capability
from samfit.harness.memory.allocator import AllocatorOptions
from samfit.harness.memory.need import Need
from samfit.harness.predict.traced import trace_without_data
from samfit.harness.record.cell import DEFAULT_CAPABILITY, Cell
from samfit.harness.rehearse.fork import in_a_fork
from samfit.harness.rehearse.rehearsal import LARGE_ENOUGH, Prepared, can_rehearse, limited_to, run


@dataclass(frozen=True)
class Peaks:
    """The most that PyTorch's allocator had in use and reserved, in bytes."""

    allocated_bytes: int
    reserved_bytes: int

    @property
    def middle_bytes(self) -> float:
        """Between both: about what the step needs."""
        return (self.allocated_bytes + self.reserved_bytes) / 2


class Sizes(Protocol):
    """Answers about steps; it remembers what it found out."""

    def peaks(self, cell: Cell) -> Peaks:
        """What ``cell`` takes on a card of its compute capability with room enough."""

    def fits(self, cell: Cell, usable_bytes: int) -> bool:
        """Whether ``cell`` ends on such a card with so much memory for PyTorch."""


def sizes() -> Sizes:
    """By the best instrument that this process has."""
    return RehearsedSizes() if can_rehearse() else TracedSizes()


class RehearsedSizes:
    """Answers from running the step by PyTorch's own CUDA code."""

    def __init__(self) -> None:
        self._prepared: dict[str, Prepared] = {}
        self._peaks: dict[str, Peaks] = {}
        self._ends: dict[tuple[str, int], bool] = {}

    def peaks(self, cell: Cell) -> Peaks:
        """What ``cell`` takes where it has room enough."""
        if cell.key not in self._peaks:
            assert self._ends_with(cell, LARGE_ENOUGH), "no step takes as much"
        return self._peaks[cell.key]

    def fits(self, cell: Cell, usable_bytes: int) -> bool:
        """Whether ``cell`` does not run out of so much memory."""
        peaks = self._peaks.get(cell.key)
        if peaks and peaks.reserved_bytes <= usable_bytes:  # then a limit changes nothing
            return True
        return self._ends_with(cell, usable_bytes)

    def _ends_with(self, cell: Cell, usable_bytes: int) -> bool:
        asked = cell.key, usable_bytes
        if asked not in self._ends:
            card = _card(cell)
            outcome = in_a_fork(run, self._model(cell), cell, limited_to(card, usable_bytes))
            self._ends[asked] = outcome.exhausted is None
            if outcome.allocated_bytes and outcome.reserved_bytes and not outcome.limited:
                self._peaks[cell.key] = Peaks(outcome.allocated_bytes, outcome.reserved_bytes)
        return self._ends[asked]

    def _model(self, cell: Cell) -> Prepared:
        one = replace(cell, batch_size=cell.gradient_accumulation)
        if one.key not in self._prepared:
            self._prepared[one.key] = Prepared(one)
        return self._prepared[one.key]


class TracedSizes:
    """Answers from a trace of the step, put through the model of PyTorch's allocator."""

    def __init__(self) -> None:
        self._needs: dict[str, Need] = {}

    def peaks(self, cell: Cell) -> Peaks:
        """What ``cell`` takes where it has room enough."""
        replayed = self._need(cell).unlimited
        return Peaks(replayed.peak_allocated_bytes, replayed.peak_reserved_bytes)

    def fits(self, cell: Cell, usable_bytes: int) -> bool:
        """Whether the model serves each request of ``cell`` from so much memory."""
        return self._need(cell).fits(usable_bytes)

    def _need(self, cell: Cell) -> Need:
        fused = cell.attention == "sdpa" and cell.precision != "fp32"  # cards have other kernels
        anywhere = cell if fused else replace(cell, compute_capability=DEFAULT_CAPABILITY)
        if anywhere.key not in self._needs:
            _, trace = trace_without_data(anywhere)
            self._needs[anywhere.key] = Need(trace, AllocatorOptions.parse(cell.alloc_conf))
        return self._needs[anywhere.key].on(_card(cell))


def _card(cell: Cell) -> Card:
    return card_of_capability(cell.compute_capability)

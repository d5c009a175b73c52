"""What a step takes on a card, and whether it ends there, by either instrument."""

from dataclasses import dataclass, replace
from typing import Protocol

from samfit.harness.device.cards import Card, large_enough
from samfit.harness.memory.allocator import AllocatorOptions
from samfit.harness.memory.need import Need
from samfit.harness.predict.traced import trace_without_data
from samfit.harness.record.cell import DEFAULT_CAPABILITY, Cell
from samfit.harness.rehearse.fork import in_a_fork
from samfit.harness.rehearse.rehearsal import Prepared, can_rehearse, run

Step = tuple[str, str, int]  # a Cell's key, and what of a card decides about sizes


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

    def peaks(self, cell: Cell, card: Card) -> Peaks:
        """What ``cell`` takes on a card like ``card`` with room enough."""

    def fits(self, cell: Cell, card: Card) -> bool:
        """Whether ``cell`` ends on ``card``."""


def sizes() -> Sizes:
    """By the best instrument that this process has."""
    return RehearsedSizes() if can_rehearse() else TracedSizes()


class RehearsedSizes:
    """Answers from running the step by PyTorch's own CUDA code."""

    def __init__(self) -> None:
        self._prepared: dict[str, Prepared] = {}
        self._peaks: dict[Step, Peaks] = {}
        self._ends: dict[tuple[Step, int], bool] = {}

    def peaks(self, cell: Cell, card: Card) -> Peaks:
        """What ``cell`` takes where it has room enough."""
        if _step(cell, card) not in self._peaks:
            assert self._ends_on(large_enough(card), cell), "no step takes as much"
        return self._peaks[_step(cell, card)]

    def fits(self, cell: Cell, card: Card) -> bool:
        """Whether ``cell`` does not run out of the memory of ``card``."""
        peaks = self._peaks.get(_step(cell, card))
        if peaks and peaks.reserved_bytes <= card.usable_bytes:  # then a limit changes nothing
            return True
        return self._ends_on(card, cell)

    def _ends_on(self, card: Card, cell: Cell) -> bool:
        step = _step(cell, card)
        if (step, card.usable_bytes) not in self._ends:
            outcome = in_a_fork(run, self._model(cell), cell, card)
            self._ends[step, card.usable_bytes] = outcome.exhausted is None
            if outcome.allocated_bytes and outcome.reserved_bytes and not outcome.limited:
                self._peaks[step] = Peaks(outcome.allocated_bytes, outcome.reserved_bytes)
        return self._ends[step, card.usable_bytes]

    def _model(self, cell: Cell) -> Prepared:
        one = replace(cell, batch_size=cell.gradient_accumulation)
        if one.key not in self._prepared:
            self._prepared[one.key] = Prepared(one)
        return self._prepared[one.key]


class TracedSizes:
    """Answers from a trace of the step, put through the model of PyTorch's allocator."""

    def __init__(self) -> None:
        self._needs: dict[str, Need] = {}

    def peaks(self, cell: Cell, card: Card) -> Peaks:
        """What ``cell`` takes where it has room enough."""
        replayed = self._need(cell, card).unlimited
        return Peaks(replayed.peak_allocated_bytes, replayed.peak_reserved_bytes)

    def fits(self, cell: Cell, card: Card) -> bool:
        """Whether the model serves each request of ``cell`` from the memory of ``card``."""
        return self._need(cell, card).fits(card.usable_bytes)

    def _need(self, cell: Cell, card: Card) -> Need:
        fused = cell.attention == "sdpa" and cell.precision != "fp32"  # cards have other kernels
        anywhere = cell if fused else replace(cell, compute_capability=DEFAULT_CAPABILITY)
        if anywhere.key not in self._needs:
            _, trace = trace_without_data(anywhere)
            self._needs[anywhere.key] = Need(trace, AllocatorOptions.parse(cell.alloc_conf))
        return self._needs[anywhere.key].on(card)


def _step(cell: Cell, card: Card) -> Step:
    return cell.key, card.compute_capability, card.multiprocessors

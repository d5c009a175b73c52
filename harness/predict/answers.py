"""What questions about a step are answered with: a Blame, a MethodFit. Needs no torch."""

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from samfit.harness.device.cards import Card
from samfit.harness.memory.holders import Holder, by_category, bytes_of_alike
from samfit.harness.record.cell import Cell
from samfit.harness.record.record import Record
from samfit.typed import Typed
from samfit.units import MIB

DESKTOP_BYTES = 512 * MIB  # what a desktop with a browser easily takes


@dataclass(frozen=True)
class Blame:
    """One prediction and who holds its peak, the largest first; the bytes sum to the peak."""

    record: Record
    holders: list[Holder]

    @property
    def peak_bytes(self) -> int:
        """The peak of allocated memory."""
        return sum(holder.nbytes for holder in self.holders)

    def by_category(self) -> Counter[str]:
        """What all modules hold together."""
        return by_category(self.holders)

    def to_json(self) -> dict[str, Any]:
        """The Cell, its peak and the holders, as JSON values."""
        memory = self.record.memory
        assert memory is not None
        return {
            "cell": self.record.cell.to_json(),
            "source": self.record.source,
            "assumption": self.record.assumption,
            "peak_allocated_bytes": self.peak_bytes,
            "peak_phase": memory.peak_phase,
            "peak_module": memory.peak_module,
            "holders": [
                {"module": holder.module, "category": holder.category, "bytes": holder.nbytes}
                for holder in self.holders
            ],
        }


@dataclass(frozen=True)
class Unsupported:
    """A method that its backbone, or an option, does not support, and why, in a sentence."""

    adapter: str
    reason: str


@dataclass(frozen=True)
class Difference:
    """Two predictions, and who holds the peak of either."""

    one: Blame
    other: Blame

    def to_json(self) -> dict[str, Any]:
        """Both Cells, and the bytes by which ``one`` exceeds ``other``, as JSON values.

        Modules that are alike are counted together: the same work may reach its peak in block 2 of
        one and in block 11 of the other. The largest difference comes first; they sum to that of
        the peaks.
        """
        ours, theirs = bytes_of_alike(self.one.holders), bytes_of_alike(self.other.holders)
        groups = sorted(ours | theirs, key=lambda group: -abs(ours[group] - theirs[group]))
        return {
            "one": self.one.to_json(),
            "against": self.other.to_json(),
            "difference_bytes": self.one.peak_bytes - self.other.peak_bytes,
            "differences": [
                {
                    "module": group[0],
                    "category": group[1],
                    "bytes": ours[group],
                    "against_bytes": theirs[group],
                    "difference_bytes": ours[group] - theirs[group],
                }
                for group in groups
            ],
        }


@dataclass(frozen=True, kw_only=True)
class Fit:
    """The largest batch of a method with some levers.

    Attributes:
        cell: the method with these levers and this batch, or the smallest batch if none fits.
        levers: their names, as the command line has them, without dashes; none that was asked for.
        exact: whether they change nothing but memory and time.
        batch_size: the largest that fits; 0 if none does.
        searched_up_to: the search ended there: if ``batch_size`` is as large, more may fit.
        peak_allocated_bytes, peak_reserved_bytes: of ``cell`` on a card that is large enough.
        spare_bytes: what others on the card may take beside it, at least; None if nothing fits.
        next_allocated_bytes, next_reserved_bytes: of the next batch; None if it was not tried.
    """

    cell: Cell
    levers: tuple[str, ...]
    exact: bool
    batch_size: int
    searched_up_to: int
    peak_allocated_bytes: int
    peak_reserved_bytes: int
    spare_bytes: int | None
    next_allocated_bytes: int | None
    next_reserved_bytes: int | None

    @property
    def batch(self) -> str:
        """The batch size in words: ``8+`` where the search ended."""
        return f"{self.batch_size}{'+' if self.batch_size == self.searched_up_to else ''}"


@dataclass(frozen=True, kw_only=True)
class MethodFit(Typed):
    """What fits of one method on one card.

    Attributes:
        as_published: without any lever but those that were asked for.
        fewest_levers: the fewest with which the wanted batch fits, the least costly in time of
            equally many; None if it fits without, or not at all.
        every_lever: with all that change nothing but memory and time.
    """

    adapter: str
    title: str
    serial: bool
    card: Card
    as_published: Fit
    fewest_levers: Fit | None
    every_lever: Fit

    def to_json(self) -> dict[str, Any]:
        """All fields as JSON values, but for the card its name."""
        return {**asdict(self), "card": self.card.name}

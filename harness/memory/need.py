"""Which cards can hold a predicted step."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from samfit.harness.device.cards import Card
from samfit.harness.memory.allocator import AllocatorOptions, DoesNotFitError
from samfit.harness.memory.peak import live_bytes
from samfit.harness.memory.replay import Replay, replay
from samfit.harness.trace.trace import Trace, in_units


@dataclass(frozen=True)
class Need:
    """A step that was traced for CUDA, to be put on any card.

    Attributes:
        trace: of the step, whatever card it was traced for.
        options: of the allocator.
    """

    trace: Trace
    options: AllocatorOptions = field(default_factory=AllocatorOptions)
    _others: dict[tuple[int, ...], "Need"] = field(default_factory=dict, compare=False, repr=False)

    def on(self, card: Card) -> "Need":
        """The same step, had it been traced for ``card``: sizes of what kernels and libraries
        allocate for themselves are all that differs between cards."""
        sizes = [each.bytes_on(card) if each.bytes_on else None for each in self.trace.allocations]
        key = tuple(size for size in sizes if size is not None)
        if key not in self._others:
            allocations = [
                each if size is None else replace(each, nbytes=in_units(size))
                for each, size in zip(self.trace.allocations, sizes, strict=True)
            ]
            trace = replace(self.trace, allocations=allocations)
            same = allocations == self.trace.allocations
            self._others[key] = self if same else Need(trace, self.options)
        return self._others[key]

    @cached_property
    def unlimited(self) -> Replay:
        """The step on a card that is large enough."""
        return replay(self.trace, self.options)

    @cached_property
    def _least_bytes(self) -> int:
        """The most that is alive at a time, without what the step can do without."""
        hard = [0 if each.soft else each.nbytes for each in self.trace.allocations]
        return max(live_bytes(self.trace, hard))

    def fits(self, capacity_bytes: int) -> bool:
        """Whether the step ends with so much memory for PyTorch.

        A card that is nearly full makes the allocator give back what it has kept, so that a step
        may fit that would reserve more on a larger card.
        """
        if self._least_bytes > capacity_bytes:
            return False
        if self.unlimited.peak_reserved_bytes <= capacity_bytes:
            return True
        try:
            replay(self.trace, self.options, capacity_bytes)
        except DoesNotFitError:
            return False
        return True


def cards_that_hold(need: Need, cards: Sequence[Card]) -> list[str]:
    """Names of those of ``cards`` on which the step ends, with nothing else on them.

    With twice what it reserves on the card that it was traced for, it ends whatever differs.
    """
    enough = 2 * need.unlimited.peak_reserved_bytes
    return [
        card.name
        for card in cards
        if card.usable_bytes >= enough or need.on(card).fits(card.usable_bytes)
    ]

"""Which cards can hold a predicted step."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from samfit.harness.device.cards import Card
from samfit.harness.memory.allocator import AllocatorOptions, DoesNotFitError
from samfit.harness.memory.cuda import cublas_workspace_bytes
from samfit.harness.memory.replay import Replay, replay
from samfit.harness.trace.trace import WORKSPACE, Trace


@dataclass(frozen=True)
class Need:
    """A predicted step, to be put on cards of any size."""

    trace: Trace
    options: AllocatorOptions = field(default_factory=AllocatorOptions)

    @cached_property
    def unlimited(self) -> Replay:
        """The step on a card that is large enough."""
        return replay(self.trace, self.options)

    @property
    def middle_bytes(self) -> float:
        """Between what the step allocates and what it would reserve: about what it needs."""
        return (self.unlimited.peak_allocated_bytes + self.unlimited.peak_reserved_bytes) / 2

    def fits(self, capacity_bytes: int) -> bool:
        """Whether the step ends on a card with so much memory for PyTorch.

        A card that is nearly full makes the allocator give back what it has kept, so that a step
        may fit that would reserve more on a larger card.
        """
        if self.unlimited.peak_reserved_bytes <= capacity_bytes:
            return True
        if self.unlimited.peak_allocated_bytes > capacity_bytes:
            return False
        try:
            replay(self.trace, self.options, capacity_bytes)
        except DoesNotFitError:
            return False
        return True


def cards_that_hold(trace: Trace, options: AllocatorOptions, cards: Sequence[Card]) -> list[str]:
    """Names of those of ``cards`` on which a step that was traced for CUDA ends.

    Each with the workspace that the matrix library takes there, whatever card it was traced for.
    """
    sizes = {cublas_workspace_bytes(card.compute_capability) for card in cards}
    needs = {nbytes: Need(_with_workspace(trace, nbytes), options) for nbytes in sizes}
    return [
        card.name
        for card in cards
        if needs[cublas_workspace_bytes(card.compute_capability)].fits(card.usable_bytes)
    ]


def _with_workspace(trace: Trace, nbytes: int) -> Trace:
    """``trace``, had each workspace of the matrix library so many bytes."""
    allocations = [
        replace(each, nbytes=nbytes) if each.category == WORKSPACE else each
        for each in trace.allocations
    ]
    return replace(trace, allocations=allocations)

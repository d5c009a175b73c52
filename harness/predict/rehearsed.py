"""The rehearsal: the step of a Cell, run by PyTorch's own CUDA code on a card that is not there."""

from dataclasses import replace

from samfit.harness.device.cards import (
    Card,
    card_of_capability,
    find_card,
    large_enough,
    limited_to,
)
from samfit.harness.memory.figures import Exhausted, Memory, Outcome
from samfit.harness.predict.found import Found, memory_of
from samfit.harness.record.cell import Cell
from samfit.harness.rehearse.fork import in_a_fork
from samfit.harness.rehearse.rehearsal import Prepared, rehearse, run
from samfit.harness.trace.trace import ROUNDING
from samfit.units import GIB, MIB


def rehearsed(cell: Cell) -> Found:
    """What a rehearsal says of the step of ``cell``, on its card, or on one that is large enough.

    Raises:
        UserError: for a Cell that cannot be built, or if a library crashes.
    """
    card, prepared = card_of(cell), Prepared(cell)
    found = in_a_fork(_found, prepared, cell, card)
    if found.exhausted:
        needed = in_a_fork(run, prepared, cell, large_enough(card))
        return replace(found, problem=_what_is_missing(card, found.exhausted, needed))
    return found


def outcome(cell: Cell, usable_bytes: int | None) -> Outcome:
    """How the step of ``cell`` ends on its card.

    Args:
        usable_bytes: what PyTorch can have there; None for what the card leaves it.

    Raises:
        UserError: for a Cell that cannot be built, or if a library crashes.
    """
    card = card_of(cell)
    if usable_bytes is not None:
        card = limited_to(card, usable_bytes)
    return in_a_fork(run, Prepared(cell), cell, card)


def card_of(cell: Cell) -> Card:
    """The card on which ``cell`` runs: the one that it names, or a large one of its kind."""
    if cell.gpu:
        return find_card(cell.gpu)
    return large_enough(card_of_capability(cell.compute_capability))


def _found(prepared: Prepared, cell: Cell, card: Card) -> Found:
    rehearsal = rehearse(prepared, cell, card)
    outcome, trace = rehearsal.outcome, rehearsal.trace
    if trace is None:
        return Found(description=prepared.description, exhausted=outcome.exhausted)
    memory, holders = memory_of(trace, cell)
    return Found(
        description=prepared.description,
        memory=_as_counted(memory, outcome),
        holders=holders,
        flops=trace.flops,
    )


def _as_counted(memory: Memory, outcome: Outcome) -> Memory:
    """``memory`` with the peaks that PyTorch's allocator counted itself.

    They are those of the model of the allocator, which tells how large the blocks are; a
    difference, if there is one, is shown as the allocator's rounding.
    """
    assert memory.breakdown_bytes and outcome.allocated_bytes and outcome.reserved_bytes
    rest = outcome.allocated_bytes - memory.peak_allocated_bytes
    rounding = memory.breakdown_bytes[ROUNDING] + rest
    return replace(
        memory,
        instrument="rehearsal",
        peak_allocated_bytes=outcome.allocated_bytes,
        peak_reserved_bytes=outcome.reserved_bytes,
        breakdown_bytes={**memory.breakdown_bytes, ROUNDING: rounding},
    )


def _what_is_missing(card: Card, end: Exhausted, needed: Outcome) -> str:
    """Where the step ran out of the card's memory, and how much more it takes."""
    if needed.reserved_bytes is None:
        return f"out of memory: no card has the {end.requested_bytes / GIB:,.0f} GiB it asks for."
    more = needed.reserved_bytes - card.usable_bytes
    return (
        f"out of memory on {card.name}: tried to allocate {end.requested_bytes / GIB:.2f} GiB in "
        f"{end.module or 'the step'} ({end.phase}) with {end.allocated_bytes / GIB:.2f} GiB "
        f"allocated, {end.reserved_bytes / GIB:.2f} GiB reserved and {end.free_bytes / GIB:.2f} "
        f"GiB free; without a limit the step reserves {needed.reserved_bytes / MIB:,.0f} MiB, "
        f"{more / MIB:,.0f} MiB more than PyTorch can have there. Use a smaller --batch-size or a "
        "lever; samfit fit finds both."
    )

"""What an instrument finds out about a step."""

from dataclasses import dataclass, field, replace

from samfit.harness.device.cards import CARDS, Card, card_of_capability, context_of
from samfit.harness.memory.allocator import AllocatorOptions
from samfit.harness.memory.figures import Exhausted, Memory
from samfit.harness.memory.holders import Holder, holders
from samfit.harness.memory.need import Need, cards_that_hold
from samfit.harness.memory.peak import traced_memory
from samfit.harness.record.cell import Cell
from samfit.harness.step.step import Description
from samfit.harness.trace.gpu import major
from samfit.harness.trace.inside.unknown import BY_CUDNN
from samfit.harness.trace.kernels import FIRST_WITH_FLASH
from samfit.harness.trace.trace import Trace

UNKNOWN_FASTEST = (
    "which of cuDNN's algorithms is the fastest: a rehearsal keeps the one that cuDNN names first, "
    "a trace takes no account of those that are tried"
)


@dataclass(frozen=True, kw_only=True)
class Found:
    """A step, as an instrument saw it.

    Attributes:
        memory: None if the step did not end.
        holders: who holds the bytes at the peak.
        flops: floating-point operations of one run; None if it did not end.
        exhausted: at what it ended, if memory ran out.
        problem: why it did not end, in a sentence.
    """

    description: Description
    memory: Memory | None = None
    holders: list[Holder] = field(default_factory=list)
    flops: int | None = None
    exhausted: Exhausted | None = None
    problem: str | None = None


def memory_of(trace: Trace, cell: Cell) -> tuple[Memory, list[Holder]]:
    """What a trace of ``cell`` says: of memory, and of who holds it at the peak."""
    if cell.device != "cuda":
        return traced_memory(trace), holders(trace, [each.nbytes for each in trace.allocations])
    need = Need(trace, AllocatorOptions.parse(cell.alloc_conf))
    context, _ = context_of(cell.compute_capability)
    memory = replace(
        traced_memory(trace, need.unlimited),
        unknown=trace.unknown + ([UNKNOWN_FASTEST] if cell.cudnn_benchmark else []),
        process_bytes=need.unlimited.peak_reserved_bytes + context,
        fits=cards_that_hold(need, _cards_alike(cell)),
    )
    return memory, holders(trace, need.unlimited.block_bytes)


def _cards_alike(cell: Cell) -> list[Card]:
    """The known cards on which the step runs the same kernels: in 16 bits, which kernel attends
    where it is fused is a matter of the card's generation."""
    if cell.precision == "fp32" or cell.attention == "eager":
        return CARDS
    own = _fused_attention(card_of_capability(cell.compute_capability))
    return [card for card in CARDS if _fused_attention(card) == own]


def _fused_attention(card: Card) -> tuple[bool, bool]:
    """What ATen's choice depends on in 16 bits: whether there is a flash kernel, and cuDNN's."""
    return major(card) >= FIRST_WITH_FLASH[0], major(card) in BY_CUDNN

"""What an instrument finds out about a step."""

from dataclasses import dataclass, field, replace

from samfit.harness.device.cards import CARDS, Card, context_of
from samfit.harness.memory.allocator import AllocatorOptions
from samfit.harness.memory.figures import Exhausted, Memory
from samfit.harness.memory.holders import Holder, holders
from samfit.harness.memory.need import Need, cards_that_hold
from samfit.harness.memory.peak import traced_memory
from samfit.harness.record.cell import Cell
from samfit.harness.step.step import Description
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
    kind = _FUSED_ATTENTION[_major(cell.compute_capability)]
    return [c for c in CARDS if _FUSED_ATTENTION[_major(c.compute_capability)] == kind]


def _major(compute_capability: str) -> int:
    return int(compute_capability.split(".")[0])


# ATen's choice in 16 bits, by the major part of the compute capability.
_FUSED_ATTENTION = dict.fromkeys((5, 6, 7), "efficient or none")
_FUSED_ATTENTION |= {**dict.fromkeys((8, 12), "flash"), **dict.fromkeys((9, 10), "cuDNN")}

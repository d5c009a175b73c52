"""What an instrument finds out about a step."""

from dataclasses import dataclass, field, replace

from samfit.harness.device.cards import CARDS, context_of
from samfit.harness.memory.allocator import AllocatorOptions
from samfit.harness.memory.figures import Exhausted, Memory
from samfit.harness.memory.holders import Holder, holders
from samfit.harness.memory.need import Need, cards_that_hold
from samfit.harness.memory.peak import traced_memory
from samfit.harness.record.cell import Cell
from samfit.harness.step.step import Description
from samfit.harness.trace.trace import Trace


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
    bf16 = cell.precision == "bf16"
    memory = replace(
        traced_memory(trace, need.unlimited),
        process_bytes=need.unlimited.peak_reserved_bytes + context,
        fits=cards_that_hold(need, [c for c in CARDS if c.computes_in_bfloat16 or not bf16]),
    )
    return memory, holders(trace, need.unlimited.block_bytes)

"""What is said of a step's memory: its peak, what it is made of, how it came about. Needs no torch.

Sizes are bytes.
"""

from dataclasses import dataclass

from samfit.typed import Count, PositiveCount, Typed

Bytes = Count


@dataclass(frozen=True, kw_only=True)
class Timeline(Typed):
    """Live bytes over one step, in a few hundred buckets of which each shows its highest point.

    ``phase_starts`` gives, for each phase, the index of its first point.
    """

    live_bytes: list[Bytes]
    phase_starts: dict[str, Count]


@dataclass(frozen=True, kw_only=True)
class Memory(Typed):
    """Device memory of one step.

    Attributes:
        instrument: what gave the peak: ``trace`` (storages followed), ``trace+replay`` (and put
            through the model of the CUDA allocator) or ``cuda`` (the allocator's own counters).
        peak_allocated_bytes: as ``torch.cuda.max_memory_allocated`` reports it.
        peak_reserved_bytes: as ``torch.cuda.max_memory_reserved`` reports it.
        breakdown_bytes: bytes by category at the moment of the peak; they sum to the peak.
        peak_phase, peak_module: when and in which module the peak occurred.
        timeline: live bytes over the step.
        process_bytes: what the driver (NVML, nvidia-smi) charges the process, context included;
            predicted: reserved memory and a CUDA context as found on such cards.
        other_processes_bytes: what others held on the card when the measurement began.
        device_bytes: memory of the card.
        unknown: what libraries may take beyond that, in words; predicted only.
        fits: names of the known cards, see ``cards.py``, that can hold the step with nothing else
            on them; predicted only.
    """

    instrument: str
    peak_allocated_bytes: PositiveCount
    peak_reserved_bytes: Bytes | None = None
    breakdown_bytes: dict[str, Bytes] | None = None
    peak_phase: str | None = None
    peak_module: str | None = None
    timeline: Timeline | None = None
    process_bytes: Bytes | None = None
    other_processes_bytes: Bytes | None = None
    device_bytes: Bytes | None = None
    unknown: list[str] | None = None
    fits: list[str] | None = None


@dataclass(frozen=True, kw_only=True)
class Exhausted(Typed):
    """The request for memory at which a step ended, as PyTorch's message gives it.

    Attributes:
        requested_bytes: what it tried to get from the card.
        allocated_bytes, reserved_bytes: what PyTorch's allocator held then.
        free_bytes: what the card had left.
        phase, module: where in the step that was.
    """

    requested_bytes: Bytes
    allocated_bytes: Bytes
    reserved_bytes: Bytes
    free_bytes: Bytes
    phase: str
    module: str


@dataclass(frozen=True)
class Outcome(Typed):
    """How a step ended on a card.

    Attributes:
        allocated_bytes, reserved_bytes: the most, in steady state; None if it did not end.
        limited: whether a library asked for more than there was, and went on with less.
        exhausted: what could not be served, if the step ended for it.
    """

    allocated_bytes: Bytes | None = None
    reserved_bytes: Bytes | None = None
    limited: bool = False
    exhausted: Exhausted | None = None

"""What a trace is: the life of every storage of a run. Needs no torch."""

from collections.abc import Callable
from dataclasses import dataclass, field

from samfit.harness.trace.gpu import Gpu

ROUND_BYTES = 512  # the CUDA allocator's smallest unit

FROZEN = "weights_frozen"
TRAINABLE = "weights_trainable"
GRADIENTS = "gradients"
OPTIMIZER = "optimizer_state"
SAVED = "saved_activations"
INPUTS = "inputs"
TEMPORARIES = "temporaries"
WORKSPACE = "library_workspace"
ROUNDING = "allocator_rounding"
UNTRACED = "untraced"

# In the order in which plots stack them: what stays first, what passes last.
CATEGORIES = (
    FROZEN, TRAINABLE, OPTIMIZER, GRADIENTS, INPUTS, SAVED, TEMPORARIES, WORKSPACE, ROUNDING,
)  # fmt: skip

WEIGHTS = (FROZEN, TRAINABLE)
BUCKETS = "gradient_buckets"  # in which ranks sum their gradients; a Cell has one rank
STACKED = tuple(
    each for name in CATEGORIES for each in ((name, BUCKETS) if name == GRADIENTS else (name,))
)

BytesOn = Callable[[Gpu], int]  # what is asked for on a card


@dataclass(slots=True)
class Allocation:
    """The life of one storage.

    Attributes:
        born, died: allocations and frees since the trace began; ``died`` is None for what outlives
            it.
        bytes_on: its size on any card, where they differ.
        soft: whether the step goes on without it where it does not fit.
    """

    nbytes: int
    born: int
    phase: str
    module: str
    category: str = TEMPORARIES
    died: int | None = None
    bytes_on: BytesOn | None = None
    soft: bool = False


@dataclass
class Trace:
    """All allocations of a traced run.

    Attributes:
        allocations: in order of birth.
        phase_starts: (event, phase) whenever a phase began.
        events: number of allocations and frees.
        unknown: what libraries may take beyond that, in words.
        flops: floating-point operations of matrix products and convolutions.
    """

    allocations: list[Allocation] = field(default_factory=list)
    phase_starts: list[tuple[int, str]] = field(default_factory=list)
    events: int = 0
    flops: int = 0
    unknown: list[str] = field(default_factory=list)

    def add(self, nbytes: int, phase: str, module: str, category: str) -> Allocation:
        """Record a birth."""
        allocation = Allocation(in_units(nbytes), self.events, phase, module, category)
        self.allocations.append(allocation)
        self.events += 1
        return allocation

    def free(self, allocation: Allocation) -> None:
        """Record a death."""
        allocation.died = self.events
        self.events += 1

    def enter(self, phase: str) -> None:
        """Record that a phase begins."""
        self.phase_starts.append((self.events, phase))


def in_units(nbytes: int) -> int:
    """Bytes rounded up as the allocator does."""
    return -(-nbytes // ROUND_BYTES) * ROUND_BYTES

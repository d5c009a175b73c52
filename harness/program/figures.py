"""What is said of a program that ran on cards that are not there. Needs no torch.

Sizes are bytes.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from samfit.errors import UserError
from samfit.harness.device.cards import CARDS, parse_memory
from samfit.harness.memory.figures import Bytes, Exhausted
from samfit.harness.memory.holders import Holder, bytes_of
from samfit.harness.trace.trace import ROUNDING
from samfit.typed import Count, Typed
from samfit.units import MIB

Verdict = Literal["fits", "out of memory", "not judged"]
EXIT_CODES: dict[Verdict, int] = {"fits": 0, "out of memory": 1, "not judged": 2}


@dataclass(frozen=True, kw_only=True)
class Peak(Typed):
    """The most in a part of the run, as PyTorch's allocator counted it."""

    allocated_bytes: Bytes
    reserved_bytes: Bytes


@dataclass(frozen=True, kw_only=True)
class Holding(Typed):
    """Bytes at the peak: of one category, in one module of the program's model, made by one line.

    Attributes:
        module: empty outside of modules.
        line: FILE:LINE; empty for what autograd makes in backward.
        tensors: how many allocations.
    """

    category: str
    module: str
    line: str
    nbytes: Bytes
    tensors: Count


@dataclass(frozen=True, kw_only=True)
class Course(Typed):
    """Live bytes over the run, in a few hundred buckets of which each shows its highest point.

    ``parts`` has, for each part of the run, its first bucket, its kind, and how many optimizer
    steps had been taken at its end, or in training the number of the step; ``phases``, the first
    bucket of each phase, and its name.
    """

    live_bytes: list[Bytes]
    parts: list[tuple[Count, str, Count]]
    phases: list[tuple[Count, str]]


@dataclass(frozen=True, kw_only=True)
class Read(Typed):
    """What the program read from the card at one line, and what it was told.

    Attributes:
        known: whether it was the true value; else there is none, and a policy chose.
    """

    file: str
    line: Count
    function: str
    what: str
    told: str
    known: bool
    times: Count


@dataclass(frozen=True, kw_only=True)
class Refused(Exhausted):
    """The request for memory at which the program ended.

    Attributes:
        line: FILE:LINE of the program; empty for what autograd makes in backward.
        missing_bytes: by how much the card is too small for what the program reserves on one that
            is large enough; None if that is not known.
    """

    line: str
    missing_bytes: Bytes | None = None


@dataclass(frozen=True, kw_only=True)
class OnCard(Typed):
    """What one process of the program did on one card.

    Attributes:
        rank: of the process in a distributed run; None if it has none.
        device: the number of the card.
        steps: optimizer steps taken.
        peak: of the whole run.
        training, evaluation: of steps with a backward pass, and of forward passes alone; None if
            there were none.
        elsewhere: of what lies before, between and after these.
        each_step: of each optimizer step, in their order.
        evaluation_with_graph: whether modules were evaluated outside ``torch.no_grad``.
        process_bytes: what the driver shows (nvidia-smi): reserved memory and the context.
        breakdown_bytes: by category at the moment of the peak; they sum to its allocated bytes.
        peak_phase, peak_module: when and in which module that was.
        holdings: what was alive then, the largest first; with the allocator's rounding they sum to
            the peak.
        course: live bytes over the run.
    """

    rank: Count | None
    device: Count
    steps: Count
    peak: Peak
    training: Peak | None
    evaluation: Peak | None
    elsewhere: Peak | None
    each_step: list[Peak]
    evaluation_with_graph: bool
    process_bytes: Bytes
    breakdown_bytes: dict[str, Bytes]
    peak_phase: str
    peak_module: str
    holdings: list[Holding]
    course: Course

    @property
    def holders(self) -> list[Holder]:
        """Which module holds how much at the peak, by category: they sum to it."""
        held = bytes_of((each.module, each.category, each.nbytes) for each in self.holdings)
        held["", ROUNDING] += self.breakdown_bytes.get(ROUNDING, 0)
        return [Holder(*group, nbytes) for group, nbytes in held.most_common() if nbytes]


@dataclass(frozen=True, kw_only=True)
class ProgramReport(Typed):
    """What a program did on cards that are not there, and whether it fits.

    Attributes:
        program: what to call it.
        command: how it was started.
        card: the name of the card; empty for one that is large enough.
        compute_capability: of the card, such as "8.6".
        usable_bytes: what PyTorch can have of it.
        verdict: whether it fits; no figure is given of what could not be judged.
        message: the verdict in a sentence.
        advice: what would help, and what else should be known, in sentences.
        cards: what each process did on each card.
        refused: at what it ran out of memory.
        reads: what it read from the card.
        not_written, not_removed: files that were left alone, since weights are zeros here.
        versions: of Python, torch, CUDA and cuDNN.
        seconds: how long it ran.
    """

    program: str
    command: list[str]
    card: str
    compute_capability: str
    usable_bytes: Bytes
    verdict: Verdict
    message: str
    advice: list[str] = field(default_factory=list)
    cards: list[OnCard] = field(default_factory=list)
    refused: Refused | None = None
    reads: list[Read] = field(default_factory=list)
    not_written: list[str] = field(default_factory=list)
    not_removed: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def card_in_words(self) -> str:
        """The card, as a sentence names it."""
        return in_words(self.card)

    @property
    def exit_code(self) -> int:
        """0 it fits, 1 it ran out of memory, 2 it could not be judged."""
        return EXIT_CODES[self.verdict]

    @property
    def largest(self) -> OnCard:
        """The process and card that reserved the most.

        Raises:
            UserError: if there is none, with the reason.
        """
        if not self.cards:
            raise UserError(self.message)
        return max(self.cards, key=lambda each: each.peak.reserved_bytes)

    @property
    def peak_allocated_bytes(self) -> int:
        """As ``torch.cuda.max_memory_allocated`` gives it on the fullest card."""
        return max((each.peak.allocated_bytes for each in self.cards), default=0)

    @property
    def peak_reserved_bytes(self) -> int:
        """As ``torch.cuda.max_memory_reserved`` gives it on the fullest card."""
        return max((each.peak.reserved_bytes for each in self.cards), default=0)

    def assert_at_most(self, memory: str | int) -> None:
        """Fail a test if tensors took more than ``memory``, such as "14 GiB", on any card.

        Raises:
            AssertionError: if they did, or if it could not be judged; with the breakdown.
            UserError: for a memory that is no size.
        """
        __tracebackhide__ = True  # pytest shows the test alone
        budget = parse_memory(memory) if isinstance(memory, str) else memory
        assert self.verdict == "fits", self.message
        if self.peak_allocated_bytes > budget:
            raise AssertionError(self._over(budget))

    def _over(self, budget: int) -> str:
        fullest = max(self.cards, key=lambda each: each.peak.allocated_bytes)
        peak, over = fullest.peak.allocated_bytes, fullest.peak.allocated_bytes - budget
        parts = sorted(fullest.breakdown_bytes.items(), key=lambda part: -part[1])
        lines = [
            f"the peak is {peak / MIB:,.2f} MiB, {over / MIB:,.2f} MiB more than the budget, in "
            f"{fullest.peak_phase}, {fullest.peak_module or 'outside of modules'}:",
            *(f"  {name.replace('_', ' ')}: {n / MIB:,.2f} MiB" for name, n in parts if n),
        ]
        return "\n".join(lines)


def spare_bytes(cards: Sequence[OnCard], usable_bytes: int) -> int:
    """What is left of the card that is filled most, where a process can have so many bytes of one.

    Processes that share a card have a context each.
    """
    total = usable_bytes + cards[0].process_bytes - cards[0].peak.reserved_bytes
    taken: Counter[int] = Counter()
    for each in cards:
        taken[each.device] += each.process_bytes
    return total - max(taken.values())


def in_words(card: str) -> str:
    """The name of a card, or for one of which only the memory is known, what it is."""
    return card if any(card == known.name for known in CARDS) else f"a card of {card}"

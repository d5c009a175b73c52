"""Who holds the bytes at the peak: every module, by category. Needs no torch."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from samfit.harness.memory.peak import bytes_at_peak
from samfit.harness.trace.trace import Trace

Group = tuple[str, str]  # module, or name of modules that are alike, and category


class Holder(NamedTuple):
    """The bytes of one category in one module.

    Weights belong to the module that owns them, everything else to the module in which it was
    made: in backward to the one whose forward pass is undone. ``module`` is empty for what no
    module makes: inputs, the optimizer's state, the matrix library's workspace, the loss.
    """

    module: str
    category: str
    nbytes: int


class Held(Protocol):
    """A peak, and who holds it: bytes that sum to it."""

    @property
    def holders(self) -> Sequence[Holder]:
        """The largest first."""


def holders(trace: Trace, held: list[int]) -> list[Holder]:
    """Who holds the peak of the trace's last step, the largest first; see ``bytes_at_peak``."""
    found = bytes_at_peak(trace, held).most_common()
    return [Holder(*group, nbytes) for group, nbytes in found if nbytes]


def alike(module: str) -> str:
    """The name that ``module`` shares with its like: ``blocks.3.attn`` is a ``blocks.*.attn``."""
    return ".".join("*" if part.isdecimal() else part for part in module.split("."))


def by_category(found: Iterable[Holder]) -> Counter[str]:
    """What all modules hold together."""
    sums: Counter[str] = Counter()
    for _, category, nbytes in found:
        sums[category] += nbytes
    return sums


def bytes_of(found: Iterable[tuple[str, str, int]]) -> Counter[Group]:
    """Bytes by module and category."""
    sums: Counter[Group] = Counter()
    for module, category, nbytes in found:
        sums[module, category] += nbytes
    return sums


def bytes_of_alike(found: Iterable[Holder]) -> Counter[Group]:
    """Bytes by modules that are alike, and category."""
    return bytes_of((alike(module), category, nbytes) for module, category, nbytes in found)

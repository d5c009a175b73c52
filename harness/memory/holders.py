"""Who holds the bytes at the peak: every module, by category. Needs no torch."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from samfit.harness.memory.peak import alive_at_peak
from samfit.harness.record.record import Measurement
from samfit.harness.trace.trace import ROUNDING, Trace

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


@dataclass(frozen=True)
class Blame:
    """One prediction and who holds its peak, the largest first; the bytes sum to the peak."""

    record: Measurement
    holders: list[Holder]

    @property
    def peak_bytes(self) -> int:
        """The peak of allocated memory."""
        return sum(holder.nbytes for holder in self.holders)

    def by_category(self) -> Counter[str]:
        """What all modules hold together."""
        sums: Counter[str] = Counter()
        for _, category, nbytes in self.holders:
            sums[category] += nbytes
        return sums

    def to_json(self) -> dict[str, Any]:
        """The Cell, its peak and the holders, as JSON values."""
        memory = self.record.memory
        assert memory is not None
        return {
            "cell": self.record.cell.to_json(),
            "source": self.record.source,
            "assumption": self.record.assumption,
            "peak_allocated_bytes": self.peak_bytes,
            "peak_phase": memory.peak_phase,
            "peak_module": memory.peak_module,
            "holders": [
                {"module": holder.module, "category": holder.category, "bytes": holder.nbytes}
                for holder in self.holders
            ],
        }


def holders(trace: Trace, held: list[int]) -> list[Holder]:
    """Who holds the peak of the trace's last step, the largest first.

    ``held`` is what each allocation occupies; the excess over its size is rounding.
    """
    found: Counter[Group] = Counter()
    for allocation, nbytes in alive_at_peak(trace, held):
        found[allocation.module, allocation.category] += allocation.nbytes
        found[allocation.module, ROUNDING] += nbytes - allocation.nbytes
    return [Holder(*group, nbytes) for group, nbytes in found.most_common() if nbytes]


def alike(module: str) -> str:
    """The name that ``module`` shares with its like: ``blocks.3.attn`` is a ``blocks.*.attn``."""
    return ".".join("*" if part.isdecimal() else part for part in module.split("."))


def bytes_of_alike(found: Iterable[Holder]) -> Counter[Group]:
    """Bytes by modules that are alike, and category."""
    sums: Counter[Group] = Counter()
    for module, category, nbytes in found:
        sums[alike(module), category] += nbytes
    return sums


def difference_to_json(one: Blame, other: Blame) -> dict[str, Any]:
    """Both Cells, and the bytes by which ``one`` exceeds ``other``, as JSON values.

    Modules that are alike are counted together: the same work may reach its peak in block 2 of one
    and in block 11 of the other. The largest difference comes first; they sum to that of the peaks.
    """
    ours, theirs = bytes_of_alike(one.holders), bytes_of_alike(other.holders)
    differences = {group: ours[group] - theirs[group] for group in ours | theirs}
    return {
        "one": one.to_json(),
        "against": other.to_json(),
        "difference_bytes": one.peak_bytes - other.peak_bytes,
        "differences": [
            {
                "module": module,
                "category": category,
                "bytes": ours[module, category],
                "against_bytes": theirs[module, category],
                "difference_bytes": difference,
            }
            for (module, category), difference in sorted(
                differences.items(), key=lambda item: -abs(item[1])
            )
        ],
    }

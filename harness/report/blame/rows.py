"""Who holds the memory, in few rows: modules that are alike together, small ones with their parent.

Works on one peak, to which the rows sum, or on two, to both of which they sum.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from samfit.harness.memory.holders import Group, Held, alike, bytes_of_alike

MOST_ROWS = 15
SMALL = 0.02  # of all bytes: modules that hold less are counted with their parent
ENOUGH, LEAST = 0.99, 0.95  # of all bytes: what rows should show, and must
REST: Group = ("other", "")


class HolderRow(NamedTuple):
    """Modules that are alike, and what they hold of one category.

    Attributes:
        module: the name that they share, or that of the only one.
        category: what it is; empty for the row of all the rest.
        nbytes: of each peak.
        members: bytes of each of the modules, at the first peak.
    """

    module: str
    category: str
    nbytes: tuple[int, ...]
    members: tuple[int, ...]

    @property
    def weight(self) -> int:
        """What the row is about: the bytes, or of two peaks the difference."""
        return _weight(self.nbytes)


def few_rows(peaks: Sequence[Held]) -> list[HolderRow]:
    """At most ``MOST_ROWS`` rows, the largest first and the rest of all last.

    A row has the modules' own bytes and those of parts that have no row of their own.
    """
    found = [bytes_of_alike(peak.holders) for peak in peaks]
    groups = dict.fromkeys(group for sums in found for group in sums)
    weights = {group: _weight([sums[group] for sums in found]) for group in groups}
    rows = _rows_of(weights)
    made = [_row(group, peaks, rows) for group in set(rows.values())]
    return sorted(made, key=lambda row: (row[:2] == REST, -abs(row.weight), row))


def _weight(nbytes: Sequence[int]) -> int:
    return nbytes[0] - sum(nbytes[1:])


def _rows_of(weights: Mapping[Group, int]) -> dict[Group, Group]:
    """The row to which each group belongs: merged until few rows show nearly everything."""
    total = sum(map(abs, weights.values()))
    least = SMALL * total
    while True:
        rows = _merged(weights, least)
        shown, share = _largest(_sums(weights, rows))
        if share >= LEAST or least > total:
            return {group: row if row in shown else REST for group, row in rows.items()}
        least *= 1.1


def _merged(weights: Mapping[Group, int], least: float) -> dict[Group, Group]:
    """The row of each group: its own, or where that would be small, that of a parent."""
    rows = {group: group for group in weights}
    for depth in range(max((_depth(module) for module, _ in weights), default=1), 1, -1):
        sums = _sums(weights, rows)
        small = {row for row in sums if _depth(row[0]) == depth and abs(sums[row]) < least}
        rows = {group: _parent(row) if row in small else row for group, row in rows.items()}
    return rows


def _largest(sums: Mapping[Group, int]) -> tuple[set[Group], float]:
    """The largest rows until they show enough, and the share of all bytes that they do show."""
    total = sum(map(abs, sums.values()))
    shown: set[Group] = set()
    covered = 0
    for row in sorted(sums, key=lambda row: (-abs(sums[row]), row)):
        if covered >= ENOUGH * total or len(shown) == MOST_ROWS - 1:
            break
        shown.add(row)
        covered += abs(sums[row])
    return shown, covered / total if total else 1.0


def _sums(weights: Mapping[Group, int], rows: Mapping[Group, Group]) -> Counter[Group]:
    sums: Counter[Group] = Counter()
    for group, row in rows.items():
        sums[row] += weights[group]
    return sums


def _depth(module: str) -> int:
    return 1 + module.count(".")


def _parent(row: Group) -> Group:
    return row[0].rpartition(".")[0], row[1]


def _row(group: Group, peaks: Sequence[Held], rows: Mapping[Group, Group]) -> HolderRow:
    """The row ``group`` with what all holders that belong to it hold."""
    depth = _depth(group[0])
    members: list[Counter[str]] = [Counter() for _ in peaks]
    for found, peak in zip(members, peaks, strict=True):
        for holder in peak.holders:
            if rows[alike(holder.module), holder.category] == group:
                found[".".join(holder.module.split(".")[:depth])] += holder.nbytes
    names = {name for found in members for name in found}
    return HolderRow(
        module=names.pop() if len(names) == 1 and group != REST else group[0],
        category=group[1],
        nbytes=tuple(found.total() for found in members),
        members=tuple(sorted(members[0].values())) if group != REST else (),
    )

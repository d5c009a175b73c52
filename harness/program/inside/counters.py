"""PyTorch's own counters, read and reset by us without the program noticing.

The peak of a part of the run is what the counters say between two resets. The program may read and
reset the same counters: it is shown what they would be if only itself had reset them.
"""

from typing import Any

import torch

Stats = dict[str, Any]

_stats = torch._C._cuda_memoryStats
_reset = torch._C._cuda_resetPeakMemoryStats


def own_stats(device: int) -> Stats:
    """The counters as they are."""
    return _stats(device)


class Counters:
    """Use ``install`` once; then ``peaks_since`` at the end of each part of the run."""

    def __init__(self) -> None:
        self._kept: dict[int, Stats] = {}  # peaks since the program's own last reset
        self._unseen: dict[int, tuple[int, int]] = {}  # those before it, until we have asked

    def install(self) -> None:
        """Stand between the program and the counters."""
        torch._C._cuda_memoryStats = self._shown
        torch._C._cuda_resetPeakMemoryStats = self._reset_by_program

    def peaks_since(self, device: int) -> tuple[int, int]:
        """The most bytes allocated, and reserved, since this was asked last."""
        stats = _stats(device)
        found = self._since(device, stats)
        self._kept[device] = _highest(stats, self._kept.get(device))
        _reset(device)
        return found

    def _since(self, device: int, stats: Stats) -> tuple[int, int]:
        """Peaks since we have asked last, those before the program's own resets among them."""
        now, before = _peaks(stats), self._unseen.pop(device, (0, 0))
        return max(now[0], before[0]), max(now[1], before[1])

    def _shown(self, device: int) -> Stats:
        return _highest(_stats(device), self._kept.get(device))

    def _reset_by_program(self, device: int) -> None:
        self._unseen[device] = self._since(device, _stats(device))
        self._kept.pop(device, None)
        _reset(device)


def _peaks(stats: Stats) -> tuple[int, int]:
    return stats["allocated_bytes"]["all"]["peak"], stats["reserved_bytes"]["all"]["peak"]


def _highest(stats: Stats, other: Stats | None) -> Stats:
    """``stats`` with the higher of both peaks everywhere."""
    if other is None:
        return stats
    shown: Stats = {}
    for name, value in stats.items():
        if isinstance(value, dict):
            shown[name] = _highest(value, other.get(name))
        else:
            shown[name] = max(value, other[name]) if name == "peak" else value
    return shown

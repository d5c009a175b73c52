"""The Cells of two runs, side by side, and what differs between them. Needs no torch.

Memory, parameters and how a Cell ended are the same whenever the same code runs: any difference is
a change. Times are never the same: a change is one that their spread does not explain.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.record import Measurement, Spread

DRIFT = 0.1  # allowed for machines that are now faster, now slower; chosen, not measured
# How many standard errors apart medians must be: chance alone does it in one Cell of a thousand.
CERTAINTY = 3.3
NORMAL_SPREAD, MEDIAN_ERROR = 2.563, 1.253  # p90 - p10 and sqrt(n) of a median's error, in sigma


@dataclass(frozen=True, kw_only=True)
class Change:
    """One figure of a Cell that is not what it was.

    Attributes:
        figure: its name, as in ``record.Measurement``, with its unit.
        old, new: before and after.
    """

    figure: str
    old: float
    new: float

    @property
    def growth(self) -> float:
        """By how much of ``old`` it grew; negative if it fell."""
        return self.new / self.old - 1 if self.old else float(self.new > 0)

    def to_json(self) -> dict[str, Any]:
        """All fields, with ``growth``."""
        return {"figure": self.figure, "old": self.old, "new": self.new, "growth": self.growth}


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A Cell that both runs hold."""

    old: Measurement
    new: Measurement

    @property
    def key(self) -> str:
        """Of both records."""
        return self.new.key

    @property
    def memory(self) -> list[Change]:
        """Peaks that are not, byte for byte, what they were."""
        before, after = self.old.memory, self.new.memory
        if before is None or after is None:
            return []
        peaks = ("peak_allocated_bytes", "peak_reserved_bytes")
        return _changes({name: (getattr(before, name), getattr(after, name)) for name in peaks})

    @property
    def parameters(self) -> list[Change]:
        """Trained parameters, if there are more or fewer."""
        before, after = self.old.params, self.new.params
        if before is None or after is None:
            return []
        return _changes({"trainable_parameters": (before.trainable, after.trainable)})

    @property
    def spreads(self) -> tuple[Spread, Spread] | None:
        """Times of a step before and after, where both runs have them."""
        before, after = self.old.timing.step_ms, self.new.timing.step_ms
        return (before, after) if before and after else None

    @property
    def time(self) -> list[Change]:
        """The median step, if it changed by more than noise."""
        if self.spreads is None or not beyond_noise(*self.spreads):
            return []
        before, after = self.spreads
        return [Change(figure="step_median_ms", old=before.median, new=after.median)]

    @property
    def ended_otherwise(self) -> bool:
        """Whether one ran and the other did not, or both failed in different ways."""
        return self.old.status != self.new.status

    def to_json(self) -> dict[str, Any]:
        """What changed, by kind."""
        return {
            "key": self.key,
            "status": [self.old.status, self.new.status],
            "memory": [change.to_json() for change in self.memory],
            "parameters": [change.to_json() for change in self.parameters],
            "time": [change.to_json() for change in self.time],
        }


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two runs.

    Attributes:
        pairs: the Cells that both hold, in the order of the new run.
        gone, added: those that only the old run holds, and only the new.
    """

    pairs: list[Pair]
    gone: list[Measurement]
    added: list[Measurement]

    @property
    def changed(self) -> list[Pair]:
        """Pairs in which anything differs."""
        return [p for p in self.pairs if p.ended_otherwise or p.memory or p.parameters or p.time]

    @property
    def timed(self) -> list[Pair]:
        """Pairs with times on both sides."""
        return [pair for pair in self.pairs if pair.spreads]

    def to_json(self) -> dict[str, Any]:
        """What changed, as one JSON object."""
        return {
            "cells": len(self.pairs),
            "timed_cells": len(self.timed),
            "changed": [pair.to_json() for pair in self.changed],
            "gone": [record.key for record in self.gone],
            "added": [record.key for record in self.added],
        }


def compare(old: Sequence[Measurement], new: Sequence[Measurement]) -> Comparison:
    """The records of two runs, each with at most one of a key, side by side."""
    before, after = ({record.key: record for record in run} for run in (old, new))
    return Comparison(
        pairs=[Pair(old=before[key], new=after[key]) for key in after if key in before],
        gone=[record for key, record in before.items() if key not in after],
        added=[record for key, record in after.items() if key not in before],
    )


def time_growth(before: Spread, after: Spread) -> tuple[float, float]:
    """By how much of its old value a median grew, and how far off that may be.

    The error of a median is taken from its spread as if times were normally distributed; few steps
    leave it large.
    """
    errors = [
        MEDIAN_ERROR * (one.p90 - one.p10) / (NORMAL_SPREAD * one.n**0.5 * one.median)
        for one in (before, after)
    ]
    ratio = after.median / before.median
    return ratio - 1, CERTAINTY * ratio * math.hypot(*errors)


def beyond_noise(before: Spread, after: Spread) -> bool:
    """Whether a time changed: by more than its error, and by more than is allowed for drift."""
    growth, error = time_growth(before, after)
    return abs(growth) > max(error, DRIFT)


def failures(
    found: Comparison, memory_growth: float | None, time_growth: float | None
) -> list[str]:
    """In words, what is worse than it may be; nothing if both limits are None.

    Args:
        found: two runs.
        memory_growth, time_growth: by how much of its old value a peak or a time may grow.
    """
    if memory_growth is None and time_growth is None:
        return []
    found_worse = [f"{record.key} is gone" for record in found.gone]
    for pair in found.pairs:
        if pair.old.status == "ok" != pair.new.status:
            found_worse.append(f"{pair.key} ended as {pair.new.status}")
        limits = [(pair.memory, memory_growth), (pair.time, time_growth)]
        found_worse += [
            f"{pair.key}: {change.figure} grew by {change.growth:.1%}"
            for changes, limit in limits
            for change in changes
            if limit is not None and change.growth > limit
        ]
    return found_worse


def _changes(figures: Mapping[str, tuple[float | None, float | None]]) -> list[Change]:
    """Those figures that both runs have and that differ."""
    return [
        Change(figure=name, old=old, new=new)
        for name, (old, new) in figures.items()
        if old is not None and new is not None and old != new
    ]

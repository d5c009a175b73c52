"""The Cells of two runs, side by side, and what differs between them. Needs no torch.

Memory, parameters and how a Cell ended are the same whenever the same code runs: any difference is
a change. Times are never the same. A Cell's steps tell how much they vary within seconds, not
within minutes, and a machine may be slower for minutes: that the Cells tell together.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from scipy.stats import median_abs_deviation

from samfit.harness.record.record import Record, Spread

LEAST = math.log(1.1)  # a smaller change of time is none; chosen, not measured
# So many standard errors are noise: chance alone exceeds them in one Cell of a thousand.
CERTAINTY = 3.3
NORMAL_SPREAD, MEDIAN_ERROR = 2.563, 1.253  # p90 - p10 and sqrt(n) of a median's error, in sigma
# So many standard deviations are scatter. Measured: of 45 Cells in three runs of the same code on a
# virtual machine that shares its processor, the furthest departed by 4.1.
SCATTERS = 5.0
FEWEST = 8  # timed Cells that tell how a machine drifts

Spreads = tuple[Spread, Spread]  # of the steps of a Cell, before and after


@dataclass(frozen=True, kw_only=True)
class Drift:
    """What the times of most Cells did from one run to the other; nothing, if they are too few.

    A machine that is slower now, or code that all Cells share: the times cannot tell which.

    Attributes:
        factor: the median ratio of the new median step to the old.
        scatter: the standard deviation of the ratio's logarithm from Cell to Cell, from the median
            absolute deviation, which a quarter of them that changed does little to.
        unsteadiness: how far the steps of a Cell spread, p10 to p90, as a share of their median:
            the median of all Cells.
    """

    factor: float = 1.0
    scatter: float = 0.0
    unsteadiness: float = 0.0

    @classmethod
    def of(cls, timed: Sequence[Spreads]) -> "Drift":
        """That of Cells with these times."""
        if len(timed) < FEWEST:
            return cls()
        ratios = np.log([after.median / before.median for before, after in timed])
        widths = [(one.p90 - one.p10) / one.median for spreads in timed for one in spreads]
        return cls(
            factor=math.exp(np.median(ratios)),
            scatter=float(median_abs_deviation(ratios, scale="normal")),
            unsteadiness=float(np.median(widths)),
        )

    @property
    def noise(self) -> float:
        """By how much a Cell may depart from ``factor`` without having changed; a logarithm."""
        return max(LEAST, SCATTERS * self.scatter)

    @property
    def changed(self) -> bool:
        """Whether ``factor`` is more than a machine does on which steps are as unsteady."""
        return abs(math.log(self.factor)) > max(LEAST, self.unsteadiness)


@dataclass(frozen=True, kw_only=True)
class Change:
    """One figure of a Cell that is not what it was.

    Attributes:
        figure: its name, as in ``record.Record``, with its unit.
        old, new: before and after.
        drift: the factor by which it was to change, as it did in most Cells.
    """

    figure: str
    old: float
    new: float
    drift: float = 1.0

    @property
    def growth(self) -> float:
        """By how much more than the drift it grew, as a share; negative if it fell."""
        return self.new / (self.old * self.drift) - 1 if self.old else float(self.new > 0)

    def to_json(self) -> dict[str, Any]:
        """All fields, with ``growth``."""
        return {**asdict(self), "growth": self.growth}


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A Cell that both runs hold.

    Attributes:
        old, new: its records.
        drift: that of the times of all Cells.
    """

    old: Record
    new: Record
    drift: Drift = field(default_factory=Drift)

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
    def spreads(self) -> Spreads | None:
        """Times of a step before and after, where both runs have them."""
        return _spreads(self.old, self.new)

    @property
    def time(self) -> list[Change]:
        """The median step, if it departs from the drift by more than noise."""
        if self.spreads is None:
            return []
        before, after = (spread.median for spread in self.spreads)
        found = Change(figure="step_median_ms", old=before, new=after, drift=self.drift.factor)
        noise = max(self.drift.noise, ratio_error(*self.spreads))
        return [found] if abs(math.log1p(found.growth)) > noise else []

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
        drift: what the times of most Cells did.
    """

    pairs: list[Pair]
    gone: list[Record]
    added: list[Record]
    drift: Drift

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
            "drift": {**asdict(self.drift), "changed": self.drift.changed},
            "changed": [pair.to_json() for pair in self.changed],
            "gone": [record.key for record in self.gone],
            "added": [record.key for record in self.added],
        }


def compare(old: Sequence[Record], new: Sequence[Record]) -> Comparison:
    """The records of two runs, each with at most one of a key, side by side."""
    before, after = ({record.key: record for record in run} for run in (old, new))
    both = [(before[key], after[key]) for key in after if key in before]
    drift = Drift.of([found for pair in both if (found := _spreads(*pair))])
    return Comparison(
        pairs=[Pair(old=one, new=other, drift=drift) for one, other in both],
        gone=[record for key, record in before.items() if key not in after],
        added=[record for key, record in after.items() if key not in before],
        drift=drift,
    )


def ratio_error(before: Spread, after: Spread) -> float:
    """How far off the ratio of two medians may be; a logarithm, so about a share of the ratio.

    The error of a median is taken from its spread as if times were normally distributed; few steps
    leave it large.
    """
    errors = [
        MEDIAN_ERROR * (one.p90 - one.p10) / (NORMAL_SPREAD * one.n**0.5 * one.median)
        for one in (before, after)
    ]
    return CERTAINTY * math.hypot(*errors)


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
    common = found.drift.factor - 1
    if time_growth is not None and found.drift.changed and common > time_growth:
        found_worse.append(f"most Cells: step_median_ms grew by {common:.1%}")
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


def _spreads(old: Record, new: Record) -> Spreads | None:
    before, after = old.timing.step_ms, new.timing.step_ms
    return (before, after) if before and after else None


def _changes(figures: Mapping[str, tuple[float | None, float | None]]) -> list[Change]:
    """Those figures that both runs have and that differ."""
    return [
        Change(figure=name, old=old, new=new)
        for name, (old, new) in figures.items()
        if old is not None and new is not None and old != new
    ]

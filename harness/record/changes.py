"""The Cells of two runs, side by side, and what differs between them. Needs no torch.

Memory, parameters and how a Cell ended are the same whenever the same code runs: any difference is
a change. Times are never the same. A Cell's steps tell how much they vary within seconds, not
within minutes, and a machine may be slower for minutes: that the Cells tell together.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
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
class CellPair:
    """One Cell in both runs.

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
        peaks = ("peak_allocated_bytes", "peak_reserved_bytes")
        return _changes(self.old.memory, self.new.memory, dict(zip(peaks, peaks, strict=True)))

    @property
    def parameters(self) -> list[Change]:
        """Trained parameters, if there are more or fewer."""
        return _changes(self.old.params, self.new.params, {"trainable": "trainable_parameters"})

    @property
    def spreads(self) -> Spreads | None:
        """Times of a step before and after, where both runs have them."""
        before, after = self.old.timing.step_ms, self.new.timing.step_ms
        return (before, after) if before and after else None

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
    def status_changed(self) -> bool:
        """Whether one succeeded and the other did not, or both failed in different ways."""
        return self.old.status != self.new.status

    @property
    def changed(self) -> bool:
        """Whether anything differs."""
        return self.status_changed or bool(self.memory or self.parameters or self.time)

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

    pairs: list[CellPair]
    gone: list[Record]
    added: list[Record]
    drift: Drift

    @property
    def changed(self) -> list[CellPair]:
        """Pairs in which anything differs."""
        return [pair for pair in self.pairs if pair.changed]

    @property
    def timed(self) -> list[CellPair]:
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

    def failures(
        self, memory_growth: float | None = None, time_growth: float | None = None
    ) -> list[str]:
        """In words, what is worse than it may be; nothing if both limits are None.

        Args:
            memory_growth, time_growth: by how much of its old value a peak or a time may grow.
        """
        if memory_growth is None and time_growth is None:
            return []
        found = [f"{record.key} is missing" for record in self.gone]
        common = self.drift.factor - 1
        if time_growth is not None and self.drift.changed and common > time_growth:
            found.append(f"most Cells: step_median_ms grew by {common:.1%}")
        for pair in self.pairs:
            if pair.old.status == "ok" != pair.new.status:
                found.append(f"{pair.key} succeeded before and now ends as {pair.new.status}")
            limits = [(pair.memory, memory_growth), (pair.time, time_growth)]
            found += [
                f"{pair.key}: {change.figure} grew by {change.growth:.1%}"
                for changes, limit in limits
                for change in changes
                if limit is not None and change.growth > limit
            ]
        return found


def compare(old: Sequence[Record], new: Sequence[Record]) -> Comparison:
    """What changed from one run to another, Cell by Cell; each has at most one record of a key."""
    before, after = ({record.key: record for record in run} for run in (old, new))
    pairs = [CellPair(old=before[key], new=one) for key, one in after.items() if key in before]
    drift = Drift.of([pair.spreads for pair in pairs if pair.spreads])
    return Comparison(
        pairs=[replace(pair, drift=drift) for pair in pairs],
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


def _changes(old: object, new: object, names: Mapping[str, str]) -> list[Change]:
    """Those attributes that both have and that differ; ``names`` has the figure that each is."""
    figures = [(name, getattr(old, of, None), getattr(new, of, None)) for of, name in names.items()]
    return [
        Change(figure=name, old=before, new=after)
        for name, before, after in figures
        if before is not None and after is not None and before != after
    ]

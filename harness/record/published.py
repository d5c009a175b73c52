"""Figures of GPU memory that others published, and how far a rehearsal is from each.

They are facts with their source, in ``published.json``, and nothing is fitted to them. What is not
there: figures of time, and figures whose Cell stands there already, from the same source.
Needs no torch.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from samfit.harness.device.cards import context_of
from samfit.harness.memory.figures import Outcome
from samfit.harness.record.cell import Cell
from samfit.typed import NotNegative, Positive, Typed
from samfit.units import MIB

Instrument = Literal["max_memory_allocated", "nvidia-smi", "not said", "message", "ran", "ran out"]
Match = Literal["exact", "near", "none"]

FILE = Path(__file__).with_suffix(".json")


@dataclass(frozen=True, kw_only=True)
class Message(Typed):
    """The numbers in PyTorch's message of CUDA out of memory."""

    tried_mib: NotNegative
    allocated_mib: NotNegative
    reserved_mib: NotNegative
    free_mib: NotNegative


@dataclass(frozen=True, kw_only=True)
class Published(Typed):
    """A figure that others published.

    Attributes:
        source: where, as an address or in words.
        what: what was run.
        instrument: how memory was measured: PyTorch's counter, ``nvidia-smi``, ``not said``, which
            most often means the latter, PyTorch's ``message`` of out of memory; or only that it
            ``ran`` or ``ran out``.
        match: how far what was run is known, and is what ``cell`` describes; ``none`` if no Cell
            does.
        cell: the step to compare with.
        card, torch: as far as they are said.
        measured_mib: the peak.
        message: of an ``instrument`` that is a message.
        usable_mib: what PyTorch could have on the card, where that is known otherwise than from the
            message or from the card of ``cell``.
        note: what differs, or why there is nothing to compare.
    """

    source: str
    what: str
    instrument: Instrument
    match: Match
    cell: Cell | None = None
    card: str | None = None
    torch: str | None = None
    measured_mib: Positive | None = None
    message: Message | None = None
    usable_mib: Positive | None = None
    note: str

    @property
    def limit_bytes(self) -> int | None:
        """The memory that PyTorch could have; None if it was enough, or is that of the card."""
        if self.usable_mib is not None:
            return int(self.usable_mib * MIB)
        if self.message:
            return int((self.message.reserved_mib + self.message.free_mib) * MIB)
        return None


class Comparison(NamedTuple):
    """A published figure, and how its Cell ended when it was rehearsed; None without a Cell."""

    figure: Published
    outcome: Outcome | None

    @property
    def measured_mib(self) -> float | None:
        """What is compared: the peak, or what was allocated when memory ran out."""
        message = self.figure.message
        return message.allocated_mib if message else self.figure.measured_mib

    @property
    def rehearsed_mib(self) -> float | None:
        """What the instrument of the figure would have shown."""
        if self.outcome is None:
            return None
        if self.figure.message:
            end = self.outcome.exhausted
            return end.allocated_bytes / MIB if end else None
        if self.outcome.allocated_bytes is None or self.outcome.reserved_bytes is None:
            return None
        if self.figure.instrument == "max_memory_allocated":
            return self.outcome.allocated_bytes / MIB
        assert self.figure.cell is not None
        context, _ = context_of(self.figure.cell.compute_capability)
        return (self.outcome.reserved_bytes + context) / MIB

    @property
    def difference(self) -> float | None:
        """Rehearsed over measured, less one; None where there are no two figures."""
        if self.measured_mib is None or self.rehearsed_mib is None:
            return None
        return self.rehearsed_mib / self.measured_mib - 1

    def to_json(self) -> dict[str, Any]:
        """The figure, how it ended, and both figures in MiB, as JSON values."""
        return {
            "figure": self.figure.to_json(),
            "outcome": self.outcome and self.outcome.to_json(),
            "measured_mib": self.measured_mib,
            "rehearsed_mib": self.rehearsed_mib,
        }


def published() -> list[Published]:
    """All figures, those whose Cell is known exactly first."""
    return [Published.from_json(each) for each in json.loads(FILE.read_text(encoding="utf-8"))]

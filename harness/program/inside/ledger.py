"""The life of every allocation on one device, from the history that PyTorch's allocator keeps.

The history gives sizes, order and the lines of Python that asked. Notes, taken while the program
runs, tell what it was doing, and what lies at an address.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch

from samfit.harness.program.inside.counters import own_stats
from samfit.harness.program.inside.recording import History
from samfit.harness.program.inside.where import is_programs
from samfit.harness.trace.trace import BUCKETS, INPUTS, SAVED, TEMPORARIES

BORN, DIED = "alloc", "free_requested"  # the second is when PyTorch counts it as free
MOST_ENTRIES = 10**6  # of PyTorch's history, until it is read
MOST_ALLOCATIONS = 2 * 10**6
DDP = "torch/nn/parallel/distributed.py"  # its reducer allocates the buckets of gradients

_record = torch.cuda.memory._record_memory_history


class Claim(NamedTuple):
    """A tensor of this category lies at this address."""

    address: int
    category: str
    module: str


class Note(NamedTuple):
    """What the program does after so many events; None where that goes on as before."""

    events: int
    phase: str | None = None
    module: str | None = None
    claims: Sequence[Claim] = ()


def start_histories() -> None:
    """Let PyTorch note each allocation and free, with the lines of Python that asked for it."""
    _record("all", context="alloc", stacks="python", max_entries=MOST_ENTRIES)


def stop_histories() -> None:
    """End it, and forget it."""
    _record(None)


class Ledger:
    """All allocations on a device so far."""

    def __init__(self, device: int) -> None:
        self.history = History(device)
        self._numbers: dict[str, int] = {}
        self._alive: dict[int, int] = {}  # address of an allocation, its place in the list
        self._rows: list[list[int]] = []
        self._notes: list[Note] = []
        self._phase, self._module = "setup", ""
        self._seen = 0  # events that were taken from PyTorch's history

    def events(self) -> int:
        """Allocations and frees since the process began."""
        counted = own_stats(self.history.device)["allocation"]["all"]
        return counted["allocated"] + counted["freed"]

    def note(
        self, phase: str | None = None, module: str | None = None, claims: Sequence[Claim] = ()
    ) -> None:
        """Note what begins now, or what lies where."""
        self._notes.append(Note(self.events(), phase, module, claims))

    @property
    def waiting(self) -> int:
        """Events that are still to be taken from PyTorch's history."""
        return self.events() - self._seen

    def take(self, entries: Sequence[dict[str, Any]]) -> None:
        """Go through what PyTorch's history has gained since the last time."""
        notes = iter(self._notes)
        note = next(notes, None)
        for entry in entries:
            if entry["action"] not in (BORN, DIED):
                continue
            while note and note.events <= self._seen:
                self._heed(note)
                note = next(notes, None)
            if entry["action"] == BORN:
                self._bear(entry)
            else:
                self._bury(entry["addr"])
            self._seen += 1
        while note:
            self._heed(note)
            note = next(notes, None)
        self._notes.clear()

    def finish(self) -> History:
        """The history of the device, until now."""
        self.history.allocations = [tuple(row) for row in self._rows]  # type: ignore[misc]
        self.history.words = list(self._numbers)
        self.history.events = self._seen
        return self.history

    def _bear(self, entry: dict[str, Any]) -> None:
        if len(self._rows) == MOST_ALLOCATIONS:
            return
        frames = entry.get("frames", ())
        category = BUCKETS if _is_bucket(frames) else TEMPORARIES
        words = (category, self._module, self._phase, _line(frames))
        self._alive[entry["addr"]] = len(self._rows)
        self._rows.append([self._seen, -1, entry["size"], *map(self._number, words)])

    def _bury(self, address: int) -> None:
        place = self._alive.pop(address, None)
        if place is not None:
            self._rows[place][1] = self._seen

    def _heed(self, note: Note) -> None:
        for claim in note.claims:
            place = self._alive.get(claim.address)
            if place is not None:
                self._claim(self._rows[place], claim)
        if note.phase is not None:
            if note.phase == "backward":
                self._sort(born_in="forward", category=SAVED)
            elif note.phase == "forward" and self._phase in ("setup", "loading"):
                self._sort(born_in=self._phase, category=INPUTS)
            self._phase = note.phase
            self.history.phases.append((self._seen, self._number(note.phase)))
        if note.module is not None:
            self._module = note.module

    def _claim(self, row: list[int], claim: Claim) -> None:
        row[3] = self._number(claim.category)
        if claim.module:
            row[4] = self._number(claim.module)

    def _sort(self, born_in: str, category: str) -> None:
        """Say what lives on of a phase, if nothing else is known of it."""
        phase, unknown = self._number(born_in), self._number(TEMPORARIES)
        for place in self._alive.values():
            row = self._rows[place]
            if row[5] == phase and row[3] == unknown:
                row[3] = self._number(category)

    def _number(self, word: str) -> int:
        return self._numbers.setdefault(word, len(self._numbers))


def _line(frames: Sequence[dict[str, Any]]) -> str:
    """The innermost line that is the program's own; empty for what autograd's threads make."""
    for frame in frames:
        if is_programs(frame["filename"]):
            return f"{frame['filename']}:{frame['line']}"
    return ""


def _is_bucket(frames: Sequence[dict[str, Any]]) -> bool:
    return bool(frames) and frames[0]["filename"].endswith(DDP)

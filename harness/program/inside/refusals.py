"""Requests for memory that the card could not serve."""

import torch

from samfit.harness.program.inside.counters import own_stats
from samfit.harness.program.inside.course import Course
from samfit.harness.program.inside.recording import Refusal
from samfit.harness.program.inside.where import here

MOST = 5  # that are kept: the last ones


class Refusals:
    """Notes each: how much was asked for, what there was, and where in the program.

    Attributes:
        count: how many there were. A library may have gone on with less, a program tried again.
        last: the last ones.
    """

    def __init__(self, course: Course) -> None:
        self._course = course
        self.begin()

    def begin(self) -> None:
        """Begin anew."""
        self.count = 0
        self.last: list[Refusal] = []

    def install(self) -> None:
        """Let PyTorch tell of each."""
        torch._C._cuda_attach_out_of_memory_observer(self._note)  # type: ignore[attr-defined]

    def _note(self, device: int, asked: int, total: int, free: int) -> None:
        with self._course.unharmed():
            held, place = own_stats(device), here()
            self.count += 1
            refusal = Refusal(
                device=device,
                requested_bytes=asked,
                allocated_bytes=held["allocated_bytes"]["all"]["current"],
                reserved_bytes=held["reserved_bytes"]["all"]["current"],
                free_bytes=free,
                phase=self._course.phase,
                module=self._course.module,
                place=f"{place.file}:{place.line}" if place else "",
            )
            self.last = [*self.last, refusal][-MOST:]

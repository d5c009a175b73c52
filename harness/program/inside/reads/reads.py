"""What a program reads from the card, where, and what it was told."""

import contextlib
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FrameType

import torch
from torch import Tensor

from samfit.harness.program.inside.reads import policy as told_by
from samfit.harness.program.inside.reads.caller import innermost
from samfit.harness.program.inside.reads.known import Known
from samfit.harness.program.inside.reads.policy import Number, Policy
from samfit.harness.program.inside.reads.statement import Reading, reading
from samfit.harness.program.inside.where import Place, frame_here, is_programs
from samfit.harness.standin.process import answering

WAITS_AFTER = 10_000  # reads at one place, while nothing else happens
COPIED = "what the program had copied there"


@dataclass
class Read:
    """A value that the program has read.

    Attributes:
        file, line, function: where; empty and 0 in a thread that runs no Python code.
        what: such as "item() of a float32" or "copy to the host of float32 (4, 3)".
        told: such as "1.0", "zeros" or ``COPIED``.
        known: whether it is what would be there; else it was told by the policy.
        times: how often.
    """

    file: str
    line: int
    function: str
    what: str
    told: str
    known: bool
    times: int = 0


class _Thread(threading.local):
    """Of one thread: whether its reads are left out, and what an operator of it runs and reads."""

    quiet = False
    busy = False
    number: int | None = None


class Reads:
    """Answers what a program reads from the card, and lists it.

    Args:
        policy: what is told of values that nobody knows; see ``policy.py``.
        stuck: called with a sentence when the program waits for a value that never comes; it ends
            the process.
    """

    def __init__(self, policy: Policy, stuck: Callable[[str], object]) -> None:
        self.known = Known()
        self.last_unknown: Read | None = None
        self.policy: Policy = policy
        self._stuck = stuck
        self._found: dict[tuple[str, int, str, str, str, bool], Read] = {}
        self._since: Counter[Place] = Counter()
        self._here = _Thread()

    def install(self) -> None:
        """Answer from now on; once, before the program uses CUDA."""
        from samfit.harness.program.inside.reads.operators import install

        install(self)

    @property
    def found(self) -> list[Read]:
        """What was read so far, in the order in which it first was."""
        return list(self._found.values())

    def went_on(self) -> None:
        """Something happened, so that the program does not wait."""
        self._since.clear()

    @contextlib.contextmanager
    def quietly(self) -> Iterator[None]:
        """What this thread reads in here is answered, but not listed."""
        before, self._here.quiet = self._here.quiet, True
        try:
            yield
        finally:
            self._here.quiet = before

    def single(self, tensor: Tensor) -> Number:
        """The value of the one element of ``tensor``, as a Python number."""
        if self._here.number is not None:
            return self._here.number
        value = self.known.value(tensor)
        number = value.item() if value is not None else self._guess(tensor.dtype)
        self._list(f"item() of a {_name(tensor.dtype)}", str(number), value is not None)
        return number

    def copied(self, host: Tensor, source: Tensor) -> None:
        """``source`` was copied from the card to ``host``: what is to be there is written."""
        if not host.numel():
            return
        value = self.known.value(source)
        if value is not None:
            host.copy_(value)
            told = COPIED
        elif source.numel() == 1:
            number = self._guess(source.dtype)
            host.fill_(number)
            told = str(number)
        else:
            each = told_by.several(self.policy, source.dtype)
            host.fill_(each)
            told = _all_of(each, source.dtype)
        self._list(f"copy to the host of {_named(source)}", told, value is not None)

    def count(
        self,
        tensor: Tensor,
        what: str,
        most: int,
        unknown: int,
        known: Callable[[Tensor], int | Tensor],
    ) -> int:
        """How many elements of ``tensor`` are ``what``, which decides the size of a result.

        Args:
            most: the most there can be.
            unknown: how many there are if the elements are not known.
            known: counts them.
        """
        value = self.known.value(tensor)
        number = unknown if value is None else int(known(value))
        told = f"all {number}" if number == most else f"{number} of {most}"
        self._list(f"count of {what} of {_named(tensor)}", told, value is not None)
        return number

    @contextlib.contextmanager
    def answering(self, number: int | None = None) -> Iterator[None]:
        """An operator of PyTorch runs, and what it reads itself is this number, listed already."""
        before = self._here.busy, self._here.number
        self._here.busy, self._here.number = True, number
        try:
            with contextlib.nullcontext() if number is None else answering(number):
                yield
        finally:
            self._here.busy, self._here.number = before

    def read_unseen(self, nbytes: int) -> None:
        """So many bytes were copied to the host; if no operator is ``answering``, zeros."""
        with contextlib.suppress(Exception):
            if not self._here.busy:
                self._list(f"{nbytes} bytes within an operator", "zeros", False)

    def _guess(self, dtype: torch.dtype) -> Number:
        frame = innermost()
        return told_by.single(self.policy, dtype, reading(frame) if frame else Reading())

    def _list(self, what: str, told: str, known: bool) -> None:
        frame = frame_here()
        place = Place("", 0, "")
        if frame:
            place = Place(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name)
        if not self._here.quiet:
            key = (*place, what, told, known)
            read = self._found.get(key) or self._found.setdefault(key, Read(*key))
            read.times += 1
            if not known:
                self.last_unknown = read
        self._since[place] += 1
        if self._since[place] % WAITS_AFTER == 0 and _waits(frame):
            self._stuck(
                f"{place.file}:{place.line} waits for a value that the card never has: "
                f"it has read {what} {self._since[place]} times, and nothing else happened."
            )


def _waits(frame: FrameType | None) -> bool:
    """Whether a ``while`` loop may be around what is read."""
    while frame:
        if is_programs(frame.f_code.co_filename) and reading(frame).waits:
            return True
        frame = frame.f_back
    return False


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _named(tensor: Tensor) -> str:
    return f"{_name(tensor.dtype)} {tuple(tensor.shape)}"


def _all_of(each: int, dtype: torch.dtype) -> str:
    if dtype is torch.bool:
        return f"all {bool(each)}"
    return "ones" if each else "zeros"

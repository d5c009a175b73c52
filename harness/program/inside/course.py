"""The course of a run: its phases, the parts that it is divided into, and when enough was seen."""

import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import torch

from samfit.harness.program.inside.counters import Counters
from samfit.harness.program.inside.ledger import Claim, Ledger, start_histories, stop_histories
from samfit.harness.program.inside.recording import (
    BETWEEN,
    BROKEN,
    EVALUATION,
    SETUP,
    STEP,
    TRAINING,
    History,
    Log,
    Section,
)

RANKS_HOLD_S = 0.25
WARM_UP = 12  # steps on another stream before a graph is captured; with DDP PyTorch asks for 11
READ_AFTER = 100_000  # events: PyTorch's history is read, and begins anew

Claims = Iterable[tuple[int, Claim]]


class Course:
    """What ``Watch`` tells, noted for each device that is used.

    A part ends with an optimizer's step, with a batch of a data loader, and when a model is turned
    from training to evaluation or back.
    """

    def __init__(self, log: Log, steps: int | None, until_evaluated: bool) -> None:
        """Begin.

        Args:
            steps: how many optimizer steps are wanted; None for no limit.
            until_evaluated: whether one step after the first evaluation is enough: what that
                leaves behind is there in it.
        """
        self.enough: Callable[[], None] = lambda: None  # ends the process
        self.went_on: Callable[[], None] = lambda: None
        self._log, self._wanted, self._until_evaluated = log, steps, until_evaluated
        self._counters = Counters()
        self.begin()

    def begin(self) -> None:
        """Begin anew, in a process that has not used CUDA."""
        self.phase, self.module, self.steps, self.part = "setup", "", 0, 0
        self._ledgers: dict[int, Ledger] = {}
        self._starts: dict[int, int] = {}  # events before the part that runs, on each device
        self._done = self._evaluated = self._broken = False
        self._forward = self._backward = self._graph = self._ran = False

    def install(self) -> None:
        """Stand before PyTorch's counters."""
        self._counters.install()

    @contextmanager
    def unharmed(self) -> Iterator[None]:
        """Whatever goes wrong in here is noted, and the program goes on."""
        try:
            yield
        except Exception as error:
            if not self._broken:
                self._broken = True
                where = traceback.extract_tb(error.__traceback__)[-1]
                words = f"{type(error).__name__}: {error} ({where.name}, line {where.lineno})"
                self._log.say(BROKEN, words)

    # What happens.

    def enter_module(self, name: str) -> None:
        """From now on ``name`` runs; empty for none."""
        self.module = name
        if torch.cuda.is_initialized():
            self._ledger(torch.cuda.current_device()).note(module=name)

    def begin_forward(self, weights: Claims, switched: bool, with_graph: bool) -> None:
        """The program calls a model.

        Args:
            weights: what it holds.
            switched: whether it was trained when it was called before in this part of the run, and
                is not now, or back.
            with_graph: whether autograd records it.
        """
        self._stop_if_enough()
        if not self._ran or (switched and not self._backward):
            self._end_part()
        self._forward = self._ran = True
        self._graph = self._graph or with_graph
        self._note("forward", weights)

    def begin_backward(self) -> None:
        """Autograd begins."""
        self._backward = True
        self._note("backward")

    def begin_step(self, gradients: Claims) -> None:
        """An optimizer begins."""
        self._note("optimizer", gradients)

    def end_step(self, states: Claims, fewest: int, most: int, warms_up: bool = False) -> None:
        """An optimizer has stepped; each has taken so many steps, at least and at most.

        Args:
            warms_up: whether that may have been before a graph of CUDA is captured, or in it, so
                that more memory will be used.
        """
        self._note(None, states)
        self.steps = most
        self._log.say(STEP, str(most))
        self._backward = True  # also where a gradient was computed otherwise
        self._end_part(stepped=True)
        _let_go()
        wanted = self._wanted and self._wanted + WARM_UP * warms_up
        enough = wanted is not None and (fewest >= wanted or most > wanted)
        self._done = enough or (self._until_evaluated and self._evaluated)

    def begin_batch(self) -> None:
        """A data loader is asked for a batch."""
        self._stop_if_enough()
        self._end_part()

    # What is told in the end.

    def finish(self) -> list[History]:
        """The history of each device that was used."""
        if not torch.cuda.is_initialized():
            return []
        self._end_part()
        self._read()
        return [self._ledgers[device].finish() for device in sorted(self._ledgers)]

    def _ledger(self, device: int) -> Ledger:
        if device not in self._ledgers:
            self._ledgers[device] = Ledger(device)
        return self._ledgers[device]

    def _devices(self) -> list[int]:
        """Those on which something was allocated."""
        if not torch.cuda.is_initialized():
            return []
        for device in range(torch.cuda.device_count()):
            if device not in self._ledgers and Ledger(device).events():
                self._ledger(device)
        return list(self._ledgers)

    def _note(self, phase: str | None, claims: Claims = ()) -> None:
        self.phase = phase or self.phase
        self.went_on()
        claimed: dict[int, list[Claim]] = {}
        for device, claim in claims:
            claimed.setdefault(device, []).append(claim)
        for device in self._devices():
            self._ledger(device).note(phase, None, claimed.get(device, ()))

    def _stop_if_enough(self) -> None:
        if self._done:
            self.enough()

    def _end_part(self, stepped: bool = False) -> None:
        """A part of the run ends, perhaps with a step: say what it was, and what it took."""
        kind = (
            TRAINING if self._backward
            else EVALUATION if self._forward
            else BETWEEN if self._ran
            else SETUP
        )  # fmt: skip
        step = self.steps + (kind == TRAINING and not stepped)
        for device in self._devices():
            ledger = self._ledger(device)
            sections = ledger.history.sections
            peaks = self._counters.peaks_since(device)
            if sections and sections[-1].kind == kind and kind in (SETUP, BETWEEN):
                last = sections[-1]
                last.allocated_bytes = max(last.allocated_bytes, peaks[0])
                last.reserved_bytes = max(last.reserved_bytes, peaks[1])
            else:
                first = self._starts.get(device, 0)
                sections.append(Section(kind, step, first, *peaks, self._graph))
            self._starts[device] = ledger.events()
        self._evaluated = self._evaluated or (kind == EVALUATION and self.steps > 0)
        self._forward = self._backward = self._graph = False
        self.part += 1
        if self._ran:
            self._note("loading")
        if any(self._ledger(device).waiting > READ_AFTER for device in self._ledgers):
            self._read()

    def _read(self) -> None:
        traces = torch.cuda.memory._snapshot()["device_traces"]
        for device, ledger in self._ledgers.items():
            ledger.take(traces[device])
        stop_histories()
        start_histories()


def _let_go() -> None:
    """Wait until PyTorch lets go of what ranks have exchanged: it looks every tenth of a second,
    in which a card that computes would still be at this step."""
    ranks = torch.distributed.is_available() and torch.distributed.is_initialized()
    if ranks and "nccl" in torch.distributed.get_backend():
        time.sleep(RANKS_HOLD_S)

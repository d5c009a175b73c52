"""Predict a step, or tell who holds its memory, by a rehearsal where there can be one.

A rehearsal needs a process that stands on ``harness/standin``: one is started when it is first
needed, and ends with this one. Needs no torch.
"""

import atexit
import functools
from threading import Lock
from typing import Any, overload

from samfit.errors import UserError
from samfit.harness.device.stood_in import STOOD_IN
from samfit.harness.memory.holders import Holder
from samfit.harness.predict.answers import Blame, Difference
from samfit.harness.record.cell import Cell
from samfit.harness.record.record import Instrument, Record
from samfit.harness.run.process import WorkerProcess
from samfit.harness.standin.library import standing, unavailable

_asking = Lock()


def predict(cell: Cell, instrument: Instrument | None = None) -> Record:
    """Predict the memory of one step of ``cell``. Needs no GPU.

    Args:
        instrument: ``rehearsal`` runs PyTorch's own CUDA code on a card that is not there, on Linux
            with a CUDA build of torch; ``trace`` follows the step on tensors without data, on any
            computer. Default: a rehearsal where there can be one.

    Returns:
        A Record whose ``memory`` has the peak, what fills it, and, for CUDA, what PyTorch's
        allocator reserves and the names of the known cards on which the step ends. Weights and
        data change no size: there are none. If ``cell.gpu`` is too small, the record's status is
        ``oom``, and its message says by how much.

    Raises:
        UserError: for a Cell that cannot be built, or a rehearsal that cannot be.
    """
    return blame(cell, instrument=instrument).record


@overload
def blame(cell: Cell, other: None = None, instrument: Instrument | None = None) -> Blame: ...


@overload
def blame(cell: Cell, other: Cell, instrument: Instrument | None = None) -> Difference: ...


def blame(
    cell: Cell, other: Cell | None = None, instrument: Instrument | None = None
) -> Blame | Difference:
    """Tell which modules hold the memory at the peak of one step. Needs no GPU.

    Args:
        instrument: as in ``predict``.

    Returns:
        A Blame: the prediction of ``cell``, and the bytes of each module and category, which sum to
        its peak. With ``other``, a Difference: the Blame of either, ``one`` and ``other``.

    Raises:
        UserError: for a Cell that cannot be built, or a rehearsal that cannot be.
    """
    if other is not None:
        return Difference(blame(cell, None, instrument), blame(other, None, instrument))
    chosen = instrument_for(cell, instrument)
    if cell.gpu and chosen == "trace":
        reason = why_not_rehearsed(cell) or "leave out --instrument trace."
        raise UserError(f"--gpu takes a rehearsal: {reason}")
    if chosen == "rehearsal":
        answer = ask_rehearser({"how": "blame", "cell": cell.to_json()})
        holders = [Holder(*holder) for holder in answer["holders"]]
        return Blame(Record.from_json(answer["record"]), holders)
    from samfit.harness.predict.predict import examine  # imports torch

    return examine(cell)


def instrument_for(cell: Cell, wanted: Instrument | None = None) -> Instrument:
    """The instrument that predicts ``cell``.

    Raises:
        UserError: if a rehearsal is wanted that cannot be.
    """
    reason = why_not_rehearsed(cell)
    if wanted == "rehearsal" and reason:
        raise UserError(f"--instrument rehearsal cannot be used: {reason}")
    return "trace" if reason or wanted == "trace" else "rehearsal"


def why_not_rehearsed(cell: Cell) -> str | None:
    """Why ``cell`` cannot be rehearsed here, in a sentence; None if it can."""
    if cell.device != "cuda":
        return "a rehearsal is of a step on CUDA: leave out --device."
    return unavailable()


def rehearsing() -> dict[str, str]:
    """The variables of a process that can rehearse; none where nothing can be rehearsed."""
    if unavailable():
        return {}
    quiet = {"TORCH_CPP_LOG_LEVEL": "ERROR"}  # that memory runs out is an answer here
    return {**standing(), STOOD_IN: "1", **quiet}


def ask_rehearser(question: dict[str, Any]) -> Any:
    """What the process that stands on the stand-in answers, one question at a time."""
    with _asking:
        return _rehearser().ask(question)


@functools.cache
def _rehearser() -> WorkerProcess:
    process = WorkerProcess(environment=rehearsing())
    atexit.register(process.close)
    return process

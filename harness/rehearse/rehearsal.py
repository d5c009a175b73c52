"""A Cell's step, run by PyTorch's own CUDA code on a card that is not there.

It takes a process that stands on ``harness/standin`` and has not used CUDA so far: one card and one
step a process. A fork of a process that has imported torch is such a one, see ``fork.py``.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch

from samfit.errors import UserError
from samfit.harness.device.cards import Card
from samfit.harness.memory.cuda import set_allocator_options
from samfit.harness.memory.exhausted import is_out_of_memory
from samfit.harness.memory.figures import Outcome
from samfit.harness.record.cell import Cell
from samfit.harness.rehearse.history import read_history, start_history, trace_of
from samfit.harness.rehearse.libraries import lacks_kernels_for, load_cudnn, without_compiler
from samfit.harness.rehearse.lookout import Lookout
from samfit.harness.rehearse.witness import Witness
from samfit.harness.standin.library import card_variables, is_loaded
from samfit.harness.standin.process import lacking
from samfit.harness.step.batch import Batch, random_batch
from samfit.harness.step.step import WITHOUT_DATA, Step, build_model, describe_model
from samfit.harness.trace.observe import adopt_what_is_there, without_garbage_collection
from samfit.harness.trace.trace import Trace


@dataclass(frozen=True)
class Rehearsal:
    """A step that was rehearsed.

    Attributes:
        outcome: how it ended.
        trace: every allocation from the first to the end of the last step; None if it did not end.
    """

    outcome: Outcome
    trace: Trace | None


def can_rehearse() -> bool:
    """Whether this process stands on ``harness/standin``."""
    return is_loaded()


class Prepared:
    """The model of a Cell, built without data, for any batch and any card.

    Build it before forking, once for all that is run in forks.

    Raises:
        UserError: for a Cell that cannot be built, or if the library lacks what torch needs.
    """

    def __init__(self, cell: Cell) -> None:
        if reason := lacking():
            raise UserError(reason)
        load_cudnn()
        with WITHOUT_DATA:
            self.model = build_model(replace(cell, checkpoint=None), WITHOUT_DATA)
        self.description = describe_model(self.model, cell)

    def on_card(self, cell: Cell) -> Step:
        """The step of ``cell``, moved to the card in the order in which ``build_step`` does it."""
        with WITHOUT_DATA:
            batch = random_batch(cell)
        self.model.to_empty(device="cuda")
        moved: Any = {
            name: None if tensor is None else torch.empty_like(tensor, device="cuda")
            for name, tensor in vars(batch).items()
        }
        return Step(cell, self.model, Batch(**moved))


def run(prepared: Prepared, cell: Cell, card: Card) -> Outcome:
    """How the step of ``cell`` ends on ``card``."""
    with _standing_on(card, cell):
        outcome, _ = _two_steps(prepared, cell)
        return outcome


def rehearse(prepared: Prepared, cell: Cell, card: Card) -> Rehearsal:
    """The step of ``cell`` on ``card``, followed allocation by allocation."""
    with _standing_on(card, cell):
        start_history()
        outcome, step = _two_steps(prepared, cell)
        trace = _observe(step) if step else None
        lacking = lacks_kernels_for(card.compute_capability)
        if trace and lacking:
            trace.unknown.append(lacking)
        return Rehearsal(outcome, trace)


@contextmanager
def _standing_on(card: Card, cell: Cell) -> Iterator[None]:
    """Give this process, which has not used CUDA so far, its card and its allocator's options."""
    os.environ.update(card_variables(card))
    set_allocator_options(cell.alloc_conf)
    with without_garbage_collection(), without_compiler():
        yield


def _two_steps(prepared: Prepared, cell: Cell) -> tuple[Outcome, Step | None]:
    """Run two steps; the second is in steady state, since it finds the optimizer's state."""
    lookout = Lookout()
    try:
        with lookout.on(prepared.model):
            step = prepared.on_card(cell)
            step.run(lookout.enter)
            torch.cuda.reset_peak_memory_stats()
            step.run(lookout.enter)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        return Outcome(exhausted=lookout.refused), None
    allocated, reserved = torch.cuda.max_memory_allocated(), torch.cuda.max_memory_reserved()
    return Outcome(allocated, reserved, limited=lookout.refused is not None), step


def _observe(step: Step) -> Trace:
    """One more step, with a witness."""
    witness = Witness(step.model)
    optimizer = step.optimizer if step.cell.phase == "train" else None
    with witness:
        adopt_what_is_there(witness, step.model, step.batch.tensors(), optimizer)
        witness.mark()
        step.run(witness.enter)
        if optimizer is not None:
            witness.mark_optimizer(optimizer)
        witness.mark()
    trace = trace_of(read_history(), witness.marks)
    trace.phase_starts = witness.phase_starts
    trace.flops = witness.trace.flops
    trace.unknown = witness.trace.unknown
    return trace

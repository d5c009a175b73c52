"""A witness of a step on a card: it says what each allocation of the history was for."""

from collections.abc import Collection
from typing import Any

import torch
from torch import Tensor, nn

from samfit.harness.rehearse.history import Mark, events_so_far
from samfit.harness.trace.trace import Allocation, in_units
from samfit.harness.trace.tracer import Tracer

CONVOLUTIONS = (torch.ops.aten.convolution.default, torch.ops.aten.convolution_backward.default)


class Witness(Tracer):
    """A Tracer that keeps step with the allocator's history.

    Attributes:
        marks: one after each operator; they divide the history.
        phase_starts: (events so far, phase) whenever a phase began.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__(model)
        self.marks: list[Mark] = []
        self.phase_starts: list[tuple[int, str]] = []
        self._new: dict[int, Allocation] = {}

    def mark(self, copies: Collection[int] | None = None) -> None:
        """Note where the history is, and the tensors that are new since the last mark."""
        where = self._phase, self._modules.name()
        self.marks.append(Mark(events_so_far(), *where, self._new, copies))
        self._new = {}

    def enter(self, phase: str) -> None:
        """Begin ``phase``."""
        self.mark()
        super().enter(phase)
        self.phase_starts.append((events_so_far(), phase))

    def _observe(self, func: Any, args: Any, kwargs: Any, output: Any) -> None:
        super()._observe(func, args, kwargs, output)
        self._name_unknown(func, None)
        operands = [each for each in args if isinstance(each, Tensor)]
        self.mark({in_units(t.nbytes) for t in operands} if func in CONVOLUTIONS else None)

    def _follow(self, tensor: Tensor, nbytes: int = 0) -> Allocation | None:
        allocation = super()._follow(tensor, nbytes)
        if allocation:
            self._new[tensor.untyped_storage().data_ptr()] = allocation
        return allocation

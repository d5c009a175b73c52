"""Where a step is, and what it asked for when the memory of its card was used up."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from samfit.harness.memory.figures import Exhausted
from samfit.harness.trace.running_module import RunningModule


class Lookout:
    """Follows the phase and the module of a step that runs inside ``with lookout.on(model):``.

    Attributes:
        refused: the last request that could not be served, None if each was. A library may have
            gone on with less: only if the step failed, it is why.
    """

    def __init__(self) -> None:
        self.refused: Exhausted | None = None
        self._phase, self._modules = "setup", RunningModule(nn.Module())
        torch._C._cuda_attach_out_of_memory_observer(self._note)  # type: ignore[attr-defined]

    @contextmanager
    def on(self, model: nn.Module) -> Iterator[None]:
        """Follow the modules of ``model``."""
        self._modules = RunningModule(model)
        with self._modules:
            yield

    def enter(self, phase: str) -> None:
        """Begin ``phase``."""
        self._phase = phase

    def _note(self, device: int, asked: int, total: int, free: int) -> None:
        held = torch.cuda.memory_stats(device)
        self.refused = Exhausted(
            requested_bytes=asked,
            allocated_bytes=held["allocated_bytes.all.current"],
            reserved_bytes=held["reserved_bytes.all.current"],
            free_bytes=free,
            phase=self._phase,
            module=self._modules.name(),
        )

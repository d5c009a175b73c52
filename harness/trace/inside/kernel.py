"""A kernel, as a rule plays it: what it takes from the allocator, and when it gives it back."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from samfit.harness.trace.gpu import Gpu
from samfit.harness.trace.inside.cudnn import Convolution
from samfit.harness.trace.layout import lies
from samfit.harness.trace.trace import TEMPORARIES, WORKSPACE, Allocation, BytesOn, Trace


class Kernel:
    """An operator that runs on a card, as a rule plays it.

    What it takes is freed when the ``with`` block ends, or before.
    """

    def __init__(
        self, trace: Trace, gpu: Gpu, phase: str, module: str, make: Callable[[Tensor], object]
    ) -> None:
        self._trace, self._phase, self._module = trace, phase, module
        self._gpu, self._make = gpu, make
        self._taken: list[Allocation] = []

    def __enter__(self) -> "Kernel":
        return self

    def __exit__(self, *error: Any) -> None:
        self.give(*reversed(self._taken))

    def make(self, result: Tensor | None) -> None:
        """Allocate a result, if it is wanted. What is not made by a rule is made after it."""
        if result is not None:
            self._make(result)

    def take(self, nbytes: int | BytesOn, category: str = TEMPORARIES) -> Allocation:
        """Allocate scratch; its size may depend on the card."""
        size = nbytes if isinstance(nbytes, int) else nbytes(self._gpu)
        taken = self._trace.add(size, self._phase, self._module, category)
        taken.bytes_on = None if isinstance(nbytes, int) else nbytes
        self._taken.append(taken)
        return taken

    def take_copies(self, layout: torch.memory_format, *tensors: Tensor) -> list[Allocation]:
        """Allocate copies in ``layout`` of those of ``tensors`` that lie otherwise."""
        return [self.take(t.nbytes) for t in tensors if not lies(t, layout)]

    def take_workspace(self, convolution: Convolution) -> Allocation:
        """Allocate a convolution's workspace; a smaller card goes without."""
        taken = self.take(convolution.workspace_bytes, WORKSPACE)
        taken.soft = True
        return taken

    def give(self, *taken: Allocation) -> None:
        """Free what was taken."""
        for allocation in taken:
            self._taken.remove(allocation)
            self._trace.free(allocation)

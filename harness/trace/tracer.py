"""Follow every tensor storage of a step from birth to death, on tensors with or without data.

On torch's meta device tensors have shapes, strides and lifetimes but no data: a step of any size is
traced in a second, with no GPU and no memory. What the trace does not see:

* what a kernel allocates and frees inside: for CUDA ``inside`` adds it, by rules.
* rounding by the allocator beyond 512 bytes: ``replay.py`` adds it.
* the CUDA context and loaded kernels, which are outside the allocator altogether.
"""

import functools
import weakref
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from samfit.harness.trace.accumulation import adds_in_place
from samfit.harness.trace.gpu import Gpu
from samfit.harness.trace.inside import cublas
from samfit.harness.trace.inside.kernel import Kernel
from samfit.harness.trace.inside.rules import RULES
from samfit.harness.trace.inside.unknown import unknown
from samfit.harness.trace.kernels import kernel_for
from samfit.harness.trace.running_module import RunningModule
from samfit.harness.trace.trace import (
    GRADIENTS,
    OPTIMIZER,
    SAVED,
    TEMPORARIES,
    WORKSPACE,
    Allocation,
    Trace,
)

aten = torch.ops.aten
_LINEAR = F.linear
MATRIX_PRODUCTS = {aten.mm, aten.addmm, aten.bmm, aten.baddbmm}
# Operators whose scalar result sits in a storage as large as their first input: the kernel computes
# the unreduced loss and shrinks that tensor. A tensor without data shows only the scalar.
RESULT_IN_INPUT_SIZED_STORAGE = {aten.binary_cross_entropy}


class Tracer:
    """Observes torch while a run happens inside ``with tracer:``, and builds ``tracer.trace``.

    With ``gpu``, also what kernels and libraries allocate on that card.
    """

    def __init__(self, model: nn.Module, gpu: Gpu | None = None) -> None:
        self.trace = Trace()
        self._gpu = gpu
        self._threads_with_workspace: set[bool] = set()
        self._model = model
        self._device = next(model.parameters()).device
        self._live: dict[int, tuple[weakref.ref, Allocation]] = {}
        self._flops: dict[tuple[Any, ...], int] = {}  # counting takes longer than running
        self._phase = "setup"
        self._modules = RunningModule(model)
        self._exits = ExitStack()

    def __enter__(self) -> "Tracer":
        self._exits.enter_context(self._modules)
        self._exits.enter_context(patch.object(F, "linear", _linear_as_without_modes))
        on_cuda = self._gpu is not None or self._device.type == "cuda"
        self._exits.enter_context(_AllocationMode(self._observe, on_cuda))
        return self

    def __exit__(self, *error: Any) -> None:
        self._exits.close()
        self._live.clear()  # what dies from now on is no part of the trace

    def adopt(self, tensors: Iterable[Tensor], category: str) -> None:
        """Count tensors that exist already, in this order."""
        for tensor in tensors:
            allocation = self._follow(tensor)
            if allocation:
                allocation.category = category

    def enter(self, phase: str) -> None:
        """Begin ``phase``; what the forward pass left alive is then known to be saved for it."""
        if phase == "backward":
            for _, allocation in self._live.values():
                if (allocation.category, allocation.phase) == (TEMPORARIES, "forward"):
                    allocation.category = SAVED
        if phase == "optimizer":
            grads = (p.grad for p in self._model.parameters() if p.grad is not None)
            self._mark(grads, GRADIENTS)
        self._phase = phase
        self.trace.enter(phase)

    def mark_optimizer(self, optimizer: torch.optim.Optimizer) -> None:
        """Attribute the optimizer's state, after its first step.

        Step counters are no part of it unless the optimizer is fused: torch keeps them on the CPU,
        whatever the device.
        """
        tensors = optimizer_tensors(optimizer)
        fused = optimizer.param_groups[0].get("fused")
        self._mark((t for t in tensors if fused or t.dim() > 0), OPTIMIZER)
        if not fused:
            for counter in (t for t in tensors if t.dim() == 0 and t.device == self._device):
                self._allocation(counter).nbytes = 0

    def _mark(self, tensors: Iterable[Tensor], category: str) -> None:
        for tensor in tensors:
            self._allocation(tensor).category = category

    def _allocation(self, tensor: Tensor) -> Allocation:
        return self._live[tensor.untyped_storage()._cdata][1]

    def _observe(self, func: Any, args: Any, kwargs: Any, output: Any) -> None:
        if _gives_no_storage(func):
            return
        packet = func._overloadpacket
        if self._gpu:
            self._play(func, self._gpu, args, output)
        if packet in RESULT_IN_INPUT_SIZED_STORAGE:
            self._follow(output, nbytes=args[0].untyped_storage().nbytes())
        for leaf in (output,) if isinstance(output, Tensor) else tree_leaves(output):
            if isinstance(leaf, Tensor):
                self._follow(leaf)
        if packet in flop_registry:
            sizes = (func, *(a.shape if isinstance(a, Tensor) else repr(a) for a in args))
            if sizes not in self._flops:
                self._flops[sizes] = flop_registry[packet](*args, **kwargs, out_val=output)
            self.trace.flops += self._flops[sizes]
        if self._gpu and packet in MATRIX_PRODUCTS:
            self._multiply(self._gpu)

    def _play(self, func: Any, gpu: Gpu, args: Any, output: Any) -> None:
        """Add what ``func`` allocates inside, and name what is not known of it."""
        if func in RULES:
            with self._kernel(gpu) as kernel:
                RULES[func](kernel, output, *args)
        self._name_unknown(func, gpu)

    def _name_unknown(self, func: Any, gpu: Gpu | None) -> None:
        words = unknown(func, gpu)
        if words and words not in self.trace.unknown:
            self.trace.unknown.append(words)

    def _kernel(self, gpu: Gpu) -> Kernel:
        return Kernel(self.trace, gpu, self._phase, self._modules.name(), self._follow)

    def _multiply(self, gpu: Gpu) -> None:
        """Add the matrix library's workspace: of this product, or of the thread that computes it,
        of forward, or the one in which autograd runs backward on CUDA."""
        if not cublas.KEEPS_WORKSPACE:
            with self._kernel(gpu) as kernel:
                kernel.take(cublas.workspace_bytes, WORKSPACE)
            return
        in_backward = self._phase == "backward"
        if in_backward not in self._threads_with_workspace:
            self._threads_with_workspace.add(in_backward)
            nbytes = cublas.workspace_bytes(gpu)
            kept = self.trace.add(nbytes, self._phase, "", WORKSPACE)
            kept.bytes_on = cublas.workspace_bytes

    def _follow(self, tensor: Tensor, nbytes: int = 0) -> Allocation | None:
        """Record the birth of a tensor's storage, unless known, empty or on another device.

        ``nbytes`` is its size where the storage itself does not tell.
        """
        storage = tensor.untyped_storage()
        key, nbytes = storage._cdata, nbytes or storage.nbytes()
        if key in self._live or nbytes == 0 or tensor.device != self._device:
            return None
        allocation = self.trace.add(nbytes, self._phase, self._modules.name(), TEMPORARIES)
        self._live[key] = (weakref.ref(storage, lambda _: self._forget(key)), allocation)
        return allocation

    def _forget(self, key: int) -> None:
        _, allocation = self._live.pop(key)
        self.trace.free(allocation)


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    """The tensors of an optimizer's state."""
    values = [value for state in optimizer.state.values() for value in state.values()]
    return [value for value in values if isinstance(value, Tensor)]


@functools.cache
def _gives_no_storage(operator: Any) -> bool:
    """Whether all that an operator returns lies in storages that exist already."""
    returns = operator._schema.returns
    views = bool(returns) and all(r.alias_info is not None for r in returns)
    return views and operator._overloadpacket != aten.lift_fresh  # it shows what torch.tensor made


class _AllocationMode(TorchDispatchMode):
    """Shows each operator's output to ``observe``; runs below autograd, so it sees backward too."""

    def __init__(self, observe: Callable[[Any, Any, Any, Any], None], in_place: bool) -> None:
        super().__init__()
        self._observe, self._in_place = observe, in_place

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Nothing is compiled here, and torch's way of skipping takes longer than most operators
        without data do."""
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if self._in_place and func is aten.add.Tensor and adds_in_place(*args):
            func = aten.add_.Tensor
        output = kernel_for(func, args)(*args, **kwargs)
        self._observe(func, args, kwargs, output)
        return output


def _linear_as_without_modes(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """``F.linear`` as torch runs it when nobody watches.

    For inputs that are not contiguous torch computes a matrix product and adds the bias in place.
    While a dispatch mode is active it adds out of place instead (ATen, Linear.cpp,
    ``isTensorSubclassLike``), which would show an allocation that a real step never makes.
    """
    if bias is not None and input.dim() > 2 and not input.is_contiguous():
        return torch.matmul(input, weight.t()).add_(bias)
    return _LINEAR(input, weight, bias)

"""Observe any step: run it under the tracer; what exists before it is counted first."""

import gc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from torch import Tensor, nn
from torch.optim import Optimizer

from samfit.harness.trace.gpu import Gpu
from samfit.harness.trace.trace import FROZEN, GRADIENTS, INPUTS, OPTIMIZER, TRAINABLE, Trace
from samfit.harness.trace.tracer import Tracer, optimizer_tensors

STEPS = 2  # the optimizer's state exists from the first step on, so the second has the peak

EnterPhase = Callable[[str], None]


def observe(
    run: Callable[[EnterPhase], object],
    model: nn.Module,
    inputs: Iterable[Tensor],
    optimizer: Optimizer | None = None,
    gpu: Gpu | None = None,
) -> Trace:
    """The trace of running a step twice.

    Args:
        run: the step; it calls its argument with the name of each phase as it begins.
        model: whose weights and gradients the step uses.
        inputs: what the step reads, in the order in which it was made.
        optimizer: what updates the weights; None if nothing does.
        gpu: a card; what its kernels and libraries allocate inside is counted, too.
    """
    tracer = Tracer(model, gpu)
    with tracer, without_garbage_collection():
        adopt_what_is_there(tracer, model, inputs, optimizer)
        for _ in range(STEPS):
            run(tracer.enter)
            if optimizer is not None:
                tracer.mark_optimizer(optimizer)
    return tracer.trace


def adopt_what_is_there(
    tracer: Tracer, model: nn.Module, inputs: Iterable[Tensor], optimizer: Optimizer | None
) -> None:
    """Count what exists before a step: weights, inputs, gradients, the optimizer's state."""
    _adopt_weights(tracer, model)
    tracer.adopt(inputs, INPUTS)
    tracer.adopt((p.grad for p in model.parameters() if p.grad is not None), GRADIENTS)
    if optimizer is not None:
        tracer.adopt(optimizer_tensors(optimizer), OPTIMIZER)


def _adopt_weights(tracer: Tracer, model: nn.Module) -> None:
    """Count parameters and buffers, each as held by the module that owns it."""
    named = [*model.named_parameters(), *model.named_buffers()]
    owners = {tensor: name.rpartition(".")[0] for name, tensor in named}
    for tensor in tensors_in_device_order(model):
        known = len(tracer.trace.allocations)
        tracer.adopt([tensor], TRAINABLE if tensor.requires_grad else FROZEN)
        for allocation in tracer.trace.allocations[known:]:
            allocation.module = owners[tensor]


@contextmanager
def without_garbage_collection() -> Iterator[None]:
    """Nothing dies at a moment that Python's collector happens to choose; and it takes time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def tensors_in_device_order(module: nn.Module) -> Iterator[Tensor]:
    """Parameters and buffers in the order in which ``module.to(device)`` moves them."""
    for child in module.children():
        yield from tensors_in_device_order(child)
    yield from module.parameters(recurse=False)
    yield from module.buffers(recurse=False)

"""Watches a program train: what its processes do to the card, in parts and phases.

Everything here is called by torch, in the midst of the program: nothing may raise, keep a tensor
alive, or allocate on the card.
"""

import functools
import threading
import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.optim import Optimizer
from torch.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)

from samfit.harness.program.inside.course import Claims, Course
from samfit.harness.program.inside.ledger import Claim
from samfit.harness.program.inside.modules import Names
from samfit.harness.trace.trace import FROZEN, GRADIENTS, OPTIMIZER, TRAINABLE

MARK = "samfit"  # in the metadata of autograd's nodes
MOST_OUTPUTS = 8  # of a module, whose nodes are told its name


class Watch:
    """Follows modules, backward passes, optimizers and data loaders, and tells ``course``."""

    def __init__(self, course: Course, batches: int | None) -> None:
        self._course, self._batches = course, batches
        self._names = Names()
        self._local = threading.local()
        self._backward_depth = self._step_depth = 0
        self._steps: WeakKeyDictionary[Optimizer, int] = WeakKeyDictionary()
        self._capturing: WeakKeyDictionary[Optimizer, int] = WeakKeyDictionary()
        self._modes: WeakKeyDictionary[nn.Module, tuple[int, bool]] = WeakKeyDictionary()

    def install(self) -> None:
        """Hang on torch's hooks, and where there are none, between the program and torch."""
        warnings.filterwarnings("ignore", ".*global hooks on modules")  # they are ours
        register_module_forward_pre_hook(self._before_module)
        register_module_forward_hook(self._after_module, always_call=True)
        register_optimizer_step_pre_hook(self._before_step)
        register_optimizer_step_post_hook(self._after_step)
        self._stand_before_engine()
        self._stand_before_graphs()
        self._stand_before_loaders()

    # Modules.

    def _before_module(self, module: nn.Module, inputs: Any) -> None:
        if torch.compiler.is_compiling():
            return
        with self._course.unharmed():
            held = self._held()
            if not held:
                self._begin_forward(module)
            for node in _nodes(inputs):
                self._sign(node, held[-1] if held else "")
            held.append(self._names.name(module))
            self._course.enter_module(held[-1])

    def _after_module(self, module: nn.Module, inputs: Any, output: Any) -> None:
        if torch.compiler.is_compiling():
            return
        with self._course.unharmed():
            held = self._held()
            name = held.pop() if held else ""
            for node in _nodes(output):
                self._sign(node, name)
            self._course.enter_module(held[-1] if held else "")

    def _held(self) -> list[str]:
        """Names of the modules that run in this thread, the innermost last."""
        if not hasattr(self._local, "names"):
            self._local.names = []
        return self._local.names

    def _begin_forward(self, module: nn.Module) -> None:
        if self._backward_depth or self._step_depth:
            return  # recomputed: checkpointing
        mode = self._course.part, module.training
        switched = self._modes.get(module) == (mode[0], not mode[1])
        self._modes[module] = mode
        model = self._names.top(module)
        self._names.learn(model)
        self._course.begin_forward(self._weights(model), switched, torch.is_grad_enabled())

    def _weights(self, root: nn.Module) -> Iterator[tuple[int, Claim]]:
        for module in root.modules():
            name = self._names.name(module)
            for tensor in (*module._parameters.values(), *module._buffers.values()):
                if tensor is not None:
                    yield from claims([tensor], TRAINABLE if tensor.requires_grad else FROZEN, name)

    def _sign(self, node: Any, name: str) -> None:
        """Let autograd say when it comes to what ``name`` has computed."""
        if MARK not in node.metadata:
            node.metadata[MARK] = name
            node.register_prehook(functools.partial(self._undo, name))

    def _undo(self, name: str, gradients: Any) -> None:
        with self._course.unharmed():
            self._course.enter_module(name)

    # Backward.

    def _stand_before_engine(self) -> None:
        run = torch.autograd.graph._engine_run_backward

        @functools.wraps(run)
        def run_and_tell(*args: Any, **kwargs: Any) -> Any:
            self._backward_depth += 1
            if self._backward_depth == 1:
                with self._course.unharmed():
                    self._course.begin_backward()
            try:
                return run(*args, **kwargs)
            finally:
                self._backward_depth -= 1
                with self._course.unharmed():
                    held = self._held()
                    self._course.enter_module(held[-1] if held else "")

        torch.autograd.graph._engine_run_backward = run_and_tell
        torch.autograd._engine_run_backward = run_and_tell

    # Optimizers.

    def _before_step(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        self._step_depth += 1
        if self._step_depth > 1:
            return
        with self._course.unharmed():
            gradients = [p.grad for p in _parameters(optimizer) if p.grad is not None]
            self._course.begin_step(claims(gradients, GRADIENTS))

    def _after_step(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        self._step_depth -= 1
        if self._step_depth:
            return
        with self._course.unharmed():
            states = (value for state in optimizer.state.values() for value in _values(state))
            if torch.cuda.is_initialized() and torch.cuda.is_current_stream_capturing():
                self._capturing[optimizer] = self._capturing.get(optimizer, 0) + 1
            self._count({optimizer: 1}, claims(states, OPTIMIZER))

    def _count(self, steps: Mapping[Optimizer, int], states: Claims = ()) -> None:
        for optimizer, number in steps.items():
            self._steps[optimizer] = self._steps.get(optimizer, 0) + number
        fewest, most = min(self._steps.values()), max(self._steps.values())
        self._course.end_step(states, fewest, most, warms_up=_is_aside())

    # Graphs of CUDA, which step without calling an optimizer.

    def _stand_before_graphs(self) -> None:
        graphs = torch.cuda.CUDAGraph
        end, replay = graphs.capture_end, graphs.replay
        captured = WeakKeyDictionary[Any, WeakKeyDictionary[Optimizer, int]]()

        @functools.wraps(end)
        def end_and_note(graph: Any) -> None:
            end(graph)
            with self._course.unharmed():
                captured[graph] = WeakKeyDictionary(self._capturing)
                self._capturing.clear()

        @functools.wraps(replay)
        def replay_and_count(graph: Any) -> None:
            replay(graph)
            with self._course.unharmed():
                if captured.get(graph):
                    self._count(captured[graph])

        graphs.capture_end = end_and_note  # type: ignore[method-assign, assignment]
        graphs.replay = replay_and_count  # type: ignore[method-assign, assignment]

    # Data loaders.

    def _stand_before_loaders(self) -> None:
        from torch.utils.data.dataloader import _BaseDataLoaderIter as Loader

        following, given = Loader.__next__, WeakKeyDictionary[Any, int]()

        @functools.wraps(following)
        def count_and_follow(loader: Any) -> Any:
            with self._course.unharmed():
                self._course.begin_batch()
            given[loader] = given.get(loader, 0) + 1
            if self._batches is not None and given[loader] > self._batches:
                raise StopIteration
            return following(loader)

        Loader.__next__ = count_and_follow  # type: ignore[method-assign, assignment]


def _is_aside() -> bool:
    """Whether it is not on the usual stream that the program computes."""
    if not torch.cuda.is_initialized():
        return False
    return torch.cuda.current_stream() != torch.cuda.default_stream()


def claims(tensors: Iterable[Any], category: str, module: str = "") -> Iterator[tuple[int, Claim]]:
    """The device of each tensor that lies on one, and what is to be known of its storage."""
    for tensor in tensors:
        for part in _parts(tensor):
            if part.device.type == "cuda":
                yield part.device.index, Claim(_start(part), category, module)


def _start(tensor: Tensor) -> int:
    """Where its storage begins; Python must not see that: PyTorch would copy it more often."""
    return tensor.data_ptr() - int(tensor.storage_offset()) * tensor.element_size()


def _parts(tensor: Any) -> Iterator[Tensor]:
    """A tensor, or what a distributed, quantized or otherwise composed one is made of here."""
    if not isinstance(tensor, Tensor):
        return
    local = getattr(tensor, "_local_tensor", None)
    if local is not None:
        tensor = local
    flatten = getattr(tensor, "__tensor_flatten__", None)
    if flatten is None:
        yield tensor
        return
    for name in flatten()[0]:
        yield from _parts(getattr(tensor, name))


def _nodes(values: Any) -> list[Any]:
    """Autograd's nodes that have made the tensors in what a module takes or gives."""
    if isinstance(values, Tensor):
        return [values.grad_fn] if values.grad_fn is not None else []
    if isinstance(values, dict):
        values = list(values.values())
    if not isinstance(values, list | tuple):
        return []
    tensors = [each for each in values[:MOST_OUTPUTS] if isinstance(each, Tensor)]
    return [tensor.grad_fn for tensor in tensors if tensor.grad_fn is not None]


def _parameters(optimizer: Optimizer) -> Iterator[Tensor]:
    for group in optimizer.param_groups:
        yield from group["params"]


def _values(state: Any) -> list[Any]:
    return list(state.values()) if isinstance(state, dict) else []

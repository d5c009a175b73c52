"""PyTorch's operators that read from the card or write to it, made to ask and to tell ``Reads``.

Each original runs as it is, so that it allocates what it always does. Where PyTorch has one
original for all devices, ours is registered for CUDA; elsewhere for the key ``BackendSelect``,
which comes just before the kernels of the devices.
"""

import functools
import threading
import warnings
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.library import Library

from samfit.harness.program.inside.reads import collectives, derived, sizes, unseen
from samfit.harness.program.inside.reads.aside import aside, leave_to_python
from samfit.harness.program.inside.reads.caller import operation
from samfit.harness.program.inside.reads.known import LARGEST
from samfit.harness.standin.process import on_read

if TYPE_CHECKING:
    from samfit.harness.program.inside.reads.reads import Reads

_aten = torch.ops.aten
_Key = torch._C.DispatchKey
_Keys = torch._C.DispatchKeySet
_BACKEND_SELECT = _Keys(_Key.BackendSelect)
_CPU = _Keys(_Key.CPU)
_BELOW = torch._C._after_ADInplaceOrView_keyset

_WRITE_STATISTICS = (  # running means and variances, though their schemas do not say so
    "native_batch_norm",
    "cudnn_batch_norm",
    "batch_norm_update_stats",
    "batch_norm_gather_stats",
    "batch_norm_gather_stats_with_counts",
)
_CONVERT = {"to", "float", "half", "double", "long", "int", "short", "char", "byte", "bool"} | {
    *("bfloat16", "type", "type_as", "cuda", "clone", "contiguous", "reshape", "flatten", "ravel"),
    *("tensor", "as_tensor", "_scatter"),
}
_FILL = {"subscript", "zeros", "ones", "full", "zeros_like", "ones_like", "full_like"} | {
    *("new_zeros", "new_ones", "new_full", "scalar_tensor", "tensor")
}
_SHARE = ("set_.source_Storage_storage_offset", "set_.source_Storage", "set_.source_Tensor")

_installed: list[Library] = []  # the kernels of a library are used for as long as it lives


def install(reads: "Reads") -> None:
    """Let the operators of this process ask ``reads`` and tell it."""
    operators = _Operators(reads)
    library = Library("aten", "IMPL")
    _installed.append(library)
    with warnings.catch_warnings():  # that kernels are replaced is meant
        warnings.simplefilter("ignore")
        library.impl("_local_scalar_dense", operators.single, "CUDA")
        library.impl("copy_", operators.copy, "CUDA")
        library.impl("_to_copy", operators.to_copy, "CUDA")
        _before(library, "fill_.Scalar", operators.fill)
        for name in ("copy_", "fill_.Scalar", "zero_"):
            counted = functools.partial(operators.counted, _overload(name))
            library.impl(name, counted, "ADInplaceOrView", with_keyset=True)
    for name in _SHARE:
        _before(library, name, functools.partial(operators.share, _overload(name)))
    for name in _WRITE_STATISTICS:
        _before(library, name, functools.partial(operators.write_statistics, _overload(name)))
    for name, count in sizes.COUNTS.items():
        _before(library, name, functools.partial(operators.sized, _overload(name), count))
    for name, calls in derived.OPERATORS.items():
        _before(library, name, functools.partial(operators.derive, _overload(name), calls))
    _installed.append(collectives.install(reads.known))
    unseen.install(reads.known)
    on_read(reads.read_unseen)
    leave_to_python(__package__)


def _before(library: Library, name: str, kernel: Any) -> None:
    library.impl(name, kernel, "BackendSelect", with_keyset=True)


def _overload(name: str) -> Any:
    name, _, overload = name.partition(".")
    return getattr(getattr(_aten, name), overload or "default")


def _tensor(operand: Any) -> Tensor:
    """PyTorch gives a kernel in Python a number for a tensor that was made of one."""
    if isinstance(operand, Tensor):
        return operand
    kinds = {bool: torch.bool, int: torch.int64, float: torch.float64, complex: torch.complex128}
    with torch._C.DisableTorchFunction():
        return torch.full((), operand, dtype=kinds[type(operand)], device="cpu")


class _Thread(threading.local):
    target: Tensor | None = None  # what the operator at hand was called to write to


class _Operators:
    """Kernels. Those that are given an ``original`` stand in for several operators."""

    def __init__(self, reads: "Reads") -> None:
        self._reads = reads
        self._known = reads.known
        self._thread = _Thread()

    def _is_programs(self, target: Tensor) -> bool:
        """Whether it is the program that writes to ``target``, and not a larger operator."""
        return self._thread.target is target

    def single(self, tensor: Tensor) -> bool | int | float | complex:
        number: bool | int | float | complex = 0
        with aside(self._known):
            number = self._reads.single(tensor)
        return number

    def copy(self, target: Tensor, source: Any, non_blocking: bool = False) -> Tensor:
        source = _tensor(source)
        if target.is_cuda:
            _aten.copy_.default.redispatch(_CPU, target, source, non_blocking)
            with aside(self._known):
                own = self._is_programs(target)
                value = source
                if source.is_cuda:
                    value = self._known.value(source)
                    if value is not None and not own and operation() not in _CONVERT:
                        value = None
                self._known.written(target, value)
            return target
        with self._reads.answering():
            _aten.copy_.default.redispatch(_CPU, target, source, non_blocking)
        with aside(self._known):
            self._reads.copied(target, source)
        return target

    def to_copy(self, tensor: Any, **options: Any) -> Tensor:
        """In inference mode tensors have no version: those that may be known are to have one."""
        tensor = _tensor(tensor)
        copy = functools.partial(_aten._to_copy.default.redispatch, _CPU, tensor, **options)
        if not torch.is_inference_mode_enabled() or tensor.numel() > LARGEST:
            return copy()
        with torch.inference_mode(False), torch.no_grad():
            return copy()

    def fill(self, keys: Any, target: Tensor, value: Any) -> Tensor:
        _aten.fill_.Scalar.redispatch(keys - _BACKEND_SELECT, target, value)
        if target.is_cuda:
            with aside(self._known):
                if self._is_programs(target) or operation() in _FILL:
                    self._known.filled(target, value)
                else:
                    self._known.forget(target)
        return target

    def counted(self, original: Any, keys: Any, target: Tensor, *arguments: Any) -> Tensor:
        """As PyTorch's own for this key, that is: write, then raise the version."""
        if original is _aten.copy_.default:
            arguments = (_tensor(arguments[0]), *arguments[1:])
        self._thread.target = target
        try:
            with torch._C._AutoDispatchBelowADInplaceOrView():
                original.redispatch(keys & _BELOW, target, *arguments)
        finally:
            self._thread.target = None
        torch.autograd.graph.increment_version(target)
        if target.is_cuda:
            with aside(self._known):
                self._known.counted(target)
        return target

    def share(self, original: Any, keys: Any, tensor: Tensor, *source: Any) -> Tensor:
        original.redispatch(keys - _BACKEND_SELECT, tensor, *source)
        if tensor.is_cuda:
            with aside(self._known):
                self._known.aliased(tensor)
        return tensor

    def write_statistics(self, original: Any, keys: Any, *arguments: Any) -> Any:
        result = original.redispatch(keys - _BACKEND_SELECT, *arguments)
        with aside(self._known):
            for argument in arguments[1:]:
                if isinstance(argument, Tensor) and argument.is_cuda:
                    self._known.forget(argument)
        return result

    def derive(
        self, original: Any, calls: set[str], keys: Any, *arguments: Any, **named: Any
    ) -> Any:
        results = original.redispatch(keys - _BACKEND_SELECT, *arguments, **named)
        if next(derived.tensors(results)).is_cuda and self._known.may_be(arguments[0]):
            with aside(self._known):
                if operation() in calls:
                    derived.derive(self._known, original, results, arguments, named)
        return results

    def sized(
        self, original: Any, count: sizes.Count, keys: Any, tensor: Tensor, *more: Any, **named: Any
    ) -> Any:
        """The size of the result is what is counted."""
        run = functools.partial(original.redispatch, keys - _BACKEND_SELECT, tensor, *more, **named)
        if not tensor.is_cuda:
            return run()
        number = 0
        with aside(self._known):
            number = count(self._reads, tensor, *more, **named)
        with self._reads.answering(number):
            return run()

"""What is known of tensors on the card after collectives, which move nothing there.

The content of every rank is taken as this one's, as far as it is known; only what one rank gives to
the others (``broadcast``, ``scatter``) is asked of that rank, through the store of the process
group, since these have nothing of their own.
"""

import base64
import datetime
import functools
from collections import Counter
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.library import Library

from samfit.harness.program.inside.reads.aside import aside
from samfit.harness.program.inside.reads.derived import tensors
from samfit.harness.program.inside.reads.known import LARGEST, Known

PATIENCE = datetime.timedelta(seconds=60)  # with a rank that is to tell what it gives

_BACKEND_SELECT = torch._C.DispatchKeySet(torch._C.DispatchKey.BackendSelect)


def install(known: Known) -> Library:
    """Let the collectives of this process tell ``known``, as long as the result lives."""
    library = Library("c10d", "IMPL")
    collectives = _Collectives(known)
    for name, after in collectives.all().items():
        operator = getattr(torch.ops.c10d, name).default
        kernel = functools.partial(collectives.run, operator, after)
        library.impl(name, kernel, "BackendSelect", with_keyset=True)
    _broadcast_objects_singly()
    return library


def _broadcast_objects_singly() -> None:
    """Of several objects, PyTorch adds up the sizes on the card, where nothing can be added."""
    original = torch.distributed.broadcast_object_list

    @functools.wraps(original)
    def broadcast_object_list(object_list: list, *arguments: Any, **named: Any) -> None:
        for index in range(len(object_list)):
            one = object_list[index : index + 1]
            original(one, *arguments, **named)
            object_list[index] = one[0]

    for module in (torch.distributed, torch.distributed.distributed_c10d):
        setattr(module, original.__name__, broadcast_object_list)


class _Collectives:
    def __init__(self, known: Known) -> None:
        self._known = known
        self._given: Counter[str] = Counter()  # in each group, how often one rank gave something
        self._alone = False  # whether other ranks do not answer

    def all(self) -> dict[str, Any]:
        """For each operator, what is to be done after it, with its first arguments."""
        return {
            "broadcast_": self._broadcast,
            "scatter_": self._scatter,
            "allreduce_": self._reduce,
            "allreduce_coalesced_": self._reduce,
            "reduce_": self._reduce,
            "allgather_": self._gather,
            "allgather_coalesced_": self._gather,
            "gather_": self._gather,
            "_allgather_base_": self._gather_into,
            "allgather_into_tensor_coalesced_": self._gather_into,
            "reduce_scatter_": self._forget,
            "reduce_scatter_tensor_coalesced_": self._forget,
            "_reduce_scatter_base_": self._forget,
            "alltoall_": self._forget,
            "alltoall_base_": self._forget,
            "recv_": self._forget,
            "recv_any_source_": self._forget,
        }

    def run(self, operator: Any, after: Any, keys: Any, *arguments: Any) -> Any:
        result = operator.redispatch(keys - _BACKEND_SELECT, *arguments)
        with aside(self._known):
            if all(tensor.is_cuda for tensor in tensors(arguments[0])):
                after(*arguments)
        return result

    def _broadcast(self, given: Sequence[Tensor], group: Any, root: int, *_: Any) -> None:
        for tensor in given:
            if _nbytes(tensor) <= LARGEST:
                self._known.written(tensor, self._given_by(root, group, tensor, [tensor]))

    def _scatter(
        self, outputs: Sequence[Tensor], inputs: Sequence[Any], group: Any, root: int, *_: Any
    ) -> None:
        for index, output in enumerate(outputs):
            if _nbytes(output) <= LARGEST:
                parts = inputs[index] if inputs else []
                self._known.written(output, self._given_by(root, group, output, parts))

    def _given_by(
        self, root: int, group: Any, like: Tensor, parts: Sequence[Tensor]
    ) -> Tensor | None:
        """What rank ``root`` of a group gives to this one: all of ``parts``, or one to each."""
        ranks = torch.distributed.ProcessGroup.unbox(group)
        rank = ranks.rank()
        mine = self._known.value(parts[rank % len(parts)]) if parts else None
        if self._alone or ranks.size() == 1 or not torch.distributed.is_initialized():
            return mine
        self._given[ranks.group_name] += 1
        key = f"samfit/{ranks.group_name}/{self._given[ranks.group_name]}"
        store = torch.distributed.distributed_c10d._get_default_store()
        if rank == root:
            for each in range(ranks.size()):
                value = self._known.value(parts[each % len(parts)])
                store.set(f"{key}/{each}", _packed(value))
            return mine
        self._alone = True
        store.wait([f"{key}/{rank}"], PATIENCE)
        self._alone = False
        return _unpacked(store.get(f"{key}/{rank}"), like)

    def _reduce(self, reduced: Sequence[Tensor], group: Any, *_: Any) -> None:
        """How is not told to kernels in Python: only zeros stay what they are however it is."""
        alone = torch.distributed.ProcessGroup.unbox(group).size() == 1
        for tensor in reduced:
            value = self._known.value(tensor)
            if value is not None and not alone and value.any():
                value = None
            self._known.written(tensor, value)

    def _gather(self, outputs: Sequence[Any], inputs: Sequence[Tensor], *_: Any) -> None:
        for gathered, tensor in zip(outputs, inputs, strict=False):
            for each in gathered:
                self._known.written(each, self._known.value(tensor))

    def _gather_into(self, outputs: Any, inputs: Any, *_: Any) -> None:
        for output, tensor in zip(tensors(outputs), tensors(inputs), strict=True):
            value = self._known.value(tensor)
            if value is not None and value.numel():
                ranks = output.numel() // value.numel()
                value = value.reshape(-1).repeat(ranks).reshape(output.shape)
            self._known.written(output, value)

    def _forget(self, outputs: Any, *_: Any) -> None:
        for output in tensors(outputs):
            self._known.forget(output)


def _nbytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()


def _packed(value: Tensor | None) -> str:
    if value is None:
        return ""
    content = value.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
    return base64.b64encode(content).decode("ascii")


def _unpacked(told: bytes, like: Tensor) -> Tensor | None:
    if not told:
        return None
    found = torch.frombuffer(bytearray(base64.b64decode(told)), dtype=torch.uint8)
    return found.view(like.dtype).reshape(like.shape)

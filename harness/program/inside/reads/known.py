"""Values on the card that are known, since the program itself had copied or filled them there.

The card holds nothing. What is written to a small storage from the host is kept here as well, and
is given out for as long as nothing else can have been written: every in-place operation of PyTorch
raises the version of the tensor that it writes (``Tensor._version``), which its views share. A
tensor that shares the storage, but has a version of its own (``Tensor.data``), has to be told to
``aliased`` when it is made.
"""

import threading
import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, UntypedStorage

LARGEST = 1 << 20  # bytes of a storage whose content is kept
MOST_ALIASES = 16  # with more, nothing of the storage is ever known again

_Key = torch._C.DispatchKey
_Keys = torch._C.DispatchKeySet
_INCLUDED = _Keys(_Key.BackendSelect) | _Keys(_Key.ADInplaceOrView)  # as outside of any operator
_EXCLUDED = _Keys(_Key.AutocastCUDA)
_set_data = torch._C.TensorBase.data.__set__  # type: ignore[attr-defined]


class Known:
    """What is known. None of the tensors that it is given are kept alive."""

    def __init__(self) -> None:
        self._storages: dict[int, _Storage] = {}
        self._lock = threading.RLock()

    def value(self, tensor: Tensor) -> Tensor | None:
        """The elements of ``tensor``, on the host; None if they are not all known.

        Use it at once: it is not a copy.
        """
        with self._lock:
            found = self._find(tensor)
            return found.value(tensor) if found and _plain(tensor) else None

    def may_be(self, found: Any) -> bool:
        """Whether ``found``, or the first tensor in it, can be known: a quick look."""
        first = found[0] if isinstance(found, list | tuple) and found else found
        if not isinstance(first, Tensor) or first.layout is not torch.strided:
            return False
        if not first.is_cuda:
            return first.device.type == "cpu"
        storage = self._storages.get(_start(first))
        return storage is not None and storage.content is not None

    def written(self, tensor: Tensor, value: Tensor | None) -> None:
        """``tensor`` has just been written: with ``value`` on the host, or with what is unknown."""
        with self._lock:
            found = self._find(tensor)
            if value is None or not _plain(tensor):
                if found:
                    found.forget()
            elif tensor.numel() and (found or _nbytes(tensor) <= LARGEST):
                (found or self._new(tensor)).write(tensor, value)

    def filled(self, tensor: Tensor, number: bool | int | float) -> None:
        """Every element of ``tensor`` has just been set to a number."""
        value = None
        if _nbytes(tensor) <= LARGEST:
            value = torch.full(tensor.shape, number, dtype=tensor.dtype, device="cpu")
        self.written(tensor, value)

    def counted(self, tensor: Tensor) -> None:
        """The version of ``tensor`` has just been raised for what it was ``written`` before."""
        with self._lock:
            found = self._find(tensor)
            if found:
                found.count(tensor)

    def aliased(self, tensor: Tensor, other: Tensor | None = None) -> None:
        """``tensor`` now shares the storage of another, but has a version of its own.

        Args:
            other: one that has the storage; None if that could be anyone.
        """
        with self._lock:
            if not tensor.numel() or _nbytes(tensor) > LARGEST:
                return
            found = self._find(tensor) or self._new(tensor)
            if not found.versions:
                found.watch(other)
            found.watch(tensor)

    def forget(self, tensor: Tensor) -> None:
        """``tensor`` may have been written without a change of its version."""
        self.written(tensor, None)

    def forget_all(self) -> None:
        """Anything may have been written."""
        with self._lock:
            for found in list(self._storages.values()):
                found.forget()

    def _find(self, tensor: Tensor) -> "_Storage | None":
        """What is known of the storage of ``tensor``, without a look at the storage itself.

        PyTorch takes a gradient for shared if Python has ever seen its storage, and copies it.
        """
        start = _start(tensor)
        found = self._storages.get(start)
        if found is None:
            return None
        storage = found.storage()
        if storage is None or storage.data_ptr() != start:  # it was given other memory
            self._storages.pop(start, None)
            return None
        if storage._cdata != tensor.untyped_storage()._cdata:  # two have the same memory
            found.lose()
        return found

    def _new(self, tensor: Tensor) -> "_Storage":
        start = _start(tensor)
        new = _Storage(tensor.untyped_storage(), lambda gone: self._gone(start, gone))
        self._storages[start] = new
        return new

    def _gone(self, start: int, storage: object) -> None:
        found = self._storages.get(start)
        if found is not None and found.storage is storage:
            del self._storages[start]


class _Storage:
    """What is known of a storage on the card.

    Attributes:
        content: its bytes, on the host; None while nothing is known.
        mask: 1 for each byte that is known, else 0; None if all are.
        version: that of the only tensor with this storage, and its views, at the last write.
        versions: if there are others, those of all, and what each was at the last write.
        lost: whether it can be written unseen, so that nothing of it is ever known.
    """

    __slots__ = ("content", "lost", "mask", "storage", "version", "versions")

    def __init__(self, storage: UntypedStorage, gone: Callable[[object], object]) -> None:
        self.storage = weakref.ref(storage, gone)
        self.lost = storage.nbytes() > LARGEST
        self.content: Tensor | None = None
        self.mask: Tensor | None = None
        self.version = 0
        self.versions: list[tuple[Tensor, int]] = []

    def value(self, tensor: Tensor) -> Tensor | None:
        if not self._holds(tensor) or self.content is None:
            return None
        known = self.mask is None or bool(_of_bytes(self.mask, tensor).all())
        return _like(self.content, tensor) if known else None

    def forget(self) -> None:
        self.content = self.mask = None

    def lose(self) -> None:
        self.forget()
        self.versions.clear()
        self.lost = True

    def write(self, tensor: Tensor, value: Tensor) -> None:
        if self.lost or tensor.is_inference():
            return self.forget()
        storage = tensor.untyped_storage()
        if (
            _nbytes(tensor) == storage.nbytes()
            and value.shape == tensor.shape
            and tensor.is_contiguous()
        ):
            self.content, self.mask = _bytes_of(value, tensor.dtype), None
        else:
            self._write_part(tensor, value)
        self.version = tensor._version
        self.versions = [(version, version._version) for version, _ in self.versions]

    def _write_part(self, tensor: Tensor, value: Tensor) -> None:
        if not self._holds(tensor) or self.content is None:
            nbytes = tensor.untyped_storage().nbytes()
            self.content, self.mask = _zeros(nbytes), _zeros(nbytes)
        _like(self.content, tensor).copy_(value)
        if self.mask is not None:
            _of_bytes(self.mask, tensor).fill_(1)
            if self.mask.all():
                self.mask = None

    def count(self, tensor: Tensor) -> None:
        """For the last write the version of ``tensor`` was raised."""
        if self.content is None:
            return
        now = tensor._version
        if not self.versions:
            known = self.version == now - 1
        else:
            steps = {(before, version._version) for version, before in self.versions}
            known = {step for step in steps if step[0] != step[1]} == {(now - 1, now)}
        self.version = now
        self.versions = [(version, version._version) for version, _ in self.versions]
        if not known:
            self.forget()

    def watch(self, tensor: Tensor | None) -> None:
        """From now on the version of ``tensor`` counts as well; None if nobody has that tensor."""
        full = len(self.versions) == MOST_ALIASES
        if self.lost or tensor is None or tensor.is_inference() or full:
            return self.lose()
        if not self.versions and self.content is not None and tensor._version != self.version:
            self.forget()
        version = _version_of(tensor)
        self.versions.append((version, version._version))

    def _holds(self, tensor: Tensor) -> bool:
        """Whether the content is still that of the storage, which ``tensor`` has."""
        if self.content is None:
            return False
        if self._changed(tensor) or tensor.untyped_storage().nbytes() != self.content.numel():
            self.forget()
        return self.content is not None

    def _changed(self, tensor: Tensor) -> bool:
        if self.versions:
            return any(version._version != before for version, before in self.versions)
        return tensor._version != self.version


def _version_of(tensor: Tensor) -> Tensor:
    """A tensor without content that has, and will have, the version of this one.

    It keeps nothing of ``tensor`` alive.
    """
    with torch._C._ForceDispatchKeyGuard(_INCLUDED, _EXCLUDED):
        version = tensor.detach()
        _set_data(version, torch.empty(0, device="cpu"))
    return version


def _start(tensor: Tensor) -> int:
    """The address at which the storage of ``tensor`` begins."""
    return tensor.data_ptr() - int(tensor.storage_offset()) * tensor.element_size()


def _nbytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()


def _plain(tensor: Tensor) -> bool:
    return not (tensor.is_conj() or tensor.is_neg() or tensor.is_quantized)


def _like(content: Tensor, tensor: Tensor) -> Tensor:
    """The elements of ``tensor`` in the bytes of its storage."""
    elements = content.view(tensor.dtype)
    return elements.as_strided(tensor.shape, tensor.stride(), tensor.storage_offset())


def _of_bytes(mask: Tensor, tensor: Tensor) -> Tensor:
    """The bytes of ``tensor`` in those of its storage."""
    size = tensor.element_size()
    strides = (*(size * stride for stride in tensor.stride()), 1)
    return mask.as_strided((*tensor.shape, size), strides, size * tensor.storage_offset())


def _bytes_of(value: Tensor, dtype: torch.dtype) -> Tensor:
    """A copy of all bytes of ``value`` in ``dtype``."""
    copy = value.to(dtype, copy=True, memory_format=torch.contiguous_format)
    return copy.view(-1).view(torch.uint8)


def _zeros(nbytes: int) -> Tensor:
    return torch.zeros(nbytes, dtype=torch.uint8, device="cpu")

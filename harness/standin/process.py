"""For a process that runs on the stand-in: what it lacks, what is in use, and the bound of that."""

import atexit
import contextlib
import ctypes
import functools
from collections.abc import Callable, Iterator

_READ = ctypes.CFUNCTYPE(None, ctypes.c_size_t)
_kept: list[object] = []  # what the library calls; another thread may be about to
_ROOM = 1 << 16  # characters, for the names of missing symbols


def missing_symbols() -> list[str]:
    """Functions that loaded libraries want of CUDA, and the stand-in lacks.

    torch has to be imported before, since only loaded libraries are looked at.
    """
    text = ctypes.create_string_buffer(_ROOM)
    ctypes.CDLL(None).samfit_missing_symbols(text, ctypes.c_size_t(_ROOM))
    return sorted(set(text.value.decode("ascii").split()))


def lacking() -> str | None:
    """Why torch would not find all that it wants of CUDA in the stand-in; None if it would."""
    missing = missing_symbols()
    if not missing:
        return None
    return (
        f"torch needs functions of CUDA that samfit's stand-in lacks: {', '.join(missing)}. "
        "Install a torch that this samfit knows."
    )


def set_limit(nbytes: int) -> None:
    """From now on so many bytes may be in use on each card, beside its context."""
    ctypes.CDLL(None).samfit_set_limit(ctypes.c_size_t(nbytes))


def bytes_in_use(device: int = 0) -> tuple[int, int]:
    """Bytes in use on a card, beside its context: now, and the most there were.

    The card is numbered as the program sees it; of one that is not there nothing is in use.
    """
    now, most = ctypes.c_size_t(), ctypes.c_size_t()
    ctypes.CDLL(None).samfit_bytes(device, ctypes.byref(now), ctypes.byref(most))
    return now.value, most.value


def on_read(function: Callable[[int], None] | None) -> None:
    """Have this called with the number of bytes after each copy from a card to the host.

    It is called in the thread that copies, which may be one of PyTorch's own, and must not raise.
    None ends it, and so does the interpreter's end.
    """
    if not _kept:
        atexit.register(on_read, None)
    _kept.append(_READ(function) if function else _READ())
    ctypes.CDLL(None).samfit_on_read(_kept[-1])


@contextlib.contextmanager
def answering(value: int) -> Iterator[None]:
    """What this thread copies to the host meanwhile, in copies of at most 8 bytes, is this number.

    So is what kernels count, as ``nonzero`` does, and PyTorch then reads to know a shape.
    """
    library = _this_process()
    library.samfit_answer(ctypes.c_uint64(value))
    try:
        yield
    finally:
        library.samfit_no_answer()


@functools.cache
def _this_process() -> ctypes.CDLL:
    return ctypes.CDLL(None)

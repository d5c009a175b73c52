"""For a process that runs on the stand-in: what it lacks, what is in use, and the bound of that."""

import atexit
import contextlib
import ctypes
import functools
from collections.abc import Callable, Iterator

OLDEST_CUDNN = (9, 8)  # the first that chooses for a card that is only described to it

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


def cuda_number(version: str | None) -> int:
    """A version of CUDA, such as "12.4", as CUDA gives it: 12040."""
    major, minor = map(int, (version or "0.0").split(".")[:2])
    return 1000 * major + 10 * minor


def read_card() -> None:
    """Read the card from the environment now, whatever becomes of that before CUDA is used."""
    ctypes.CDLL(None).cudaDriverGetVersion(ctypes.byref(ctypes.c_int()))


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
    """Have this called with the number of bytes after each copy to the host of what is not known.

    What a card holds is known if it was copied there, by way of other places or of NCCL, and no
    kernel has run since: that arrives as it was. The rest is zero, or what ``answering`` gives.
    The function is called in the thread that copies, which may be one of PyTorch's own, and must
    not raise. None ends it, and so does the interpreter's end.
    """
    if not _kept:
        atexit.register(on_read, None)
    _kept.append(_READ(function) if function else _READ())
    ctypes.CDLL(None).samfit_on_read(_kept[-1])


@contextlib.contextmanager
def answering(value: int) -> Iterator[None]:
    """What this thread copies to the host meanwhile and is not known is this number.

    Only in copies of at most 8 bytes, which get its lowest ones: so PyTorch reads what a kernel has
    counted, as that of ``nonzero``, to know a shape.
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

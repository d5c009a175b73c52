"""For a process that runs on the stand-in: what it lacks, what is in use, and the bound of that."""

import ctypes

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
    """From now on so many bytes may be in use on the card, beside the context."""
    ctypes.CDLL(None).samfit_set_limit(ctypes.c_size_t(nbytes))


def bytes_in_use() -> tuple[int, int]:
    """Bytes in use on the card, beside the context: now, and the most there were."""
    now, most = ctypes.c_size_t(), ctypes.c_size_t()
    ctypes.CDLL(None).samfit_bytes(ctypes.byref(now), ctypes.byref(most))
    return now.value, most.value

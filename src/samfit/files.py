"""Files that are there in full or not at all, and have one writer at a time. Needs no torch."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from samfit.errors import UserError

PACKAGE = Path(__file__).parent  # this very samfit
PARTIAL = ".samfit-partial"  # how the name of a file ends while it is being written


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that is there in full or not at all, even if the machine stops."""
    partial = path.parent / f"{uuid.uuid4().hex}{PARTIAL}"
    try:
        with partial.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # its name must not be there before its content
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def writing_to(target: Path | str, advice: str = "") -> Iterator[None]:
    """The block writes to ``target``: an error of the system becomes one sentence with ``advice``.

    Raises:
        UserError: with that sentence.
    """
    try:
        yield
    except OSError as error:
        end = f"; {advice}" if advice else ""
        raise UserError(f"cannot write to {target}: {error.strerror or error}{end}.") from error


@contextmanager
def only_writer(target: Path, lock: Path, advice: str = "") -> Iterator[None]:
    """No other process writes to ``target`` during the block.

    The file ``lock`` stands for it. It stays, since removing it would let two writers in.

    Raises:
        UserError: if another process writes to it; as ``writing_to``, if the lock cannot be made.
    """
    held = FileLock(lock, timeout=0)
    with writing_to(target, advice):
        lock.parent.mkdir(parents=True, exist_ok=True)
        try:
            held.acquire()
        except Timeout as error:
            raise UserError(
                f"another samfit is writing to {target}: wait for it or choose another --output."
            ) from error
    try:
        yield
    finally:
        held.release()

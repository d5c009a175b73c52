"""How a process of the program ends, and what it leaves for those outside."""

import atexit
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn

from samfit.harness.program.inside.recording import TOLD, WAITS, Log, Recording, rank_and_world

LONGEST_WAIT_S = 120.0  # for the end that comes from outside
SIGNS = ("CUDA out of memory", "CUDA error: out of memory", "ALLOC_FAILED")

Fill = Callable[[Recording], None]


class Ending:
    """Writes the recording once, however the process ends; a kill alone it does not see.

    Attributes:
        fill: puts what was seen into the recording.
        is_aside: whether this process is none that could be told of.
    """

    def __init__(self, log: Log) -> None:
        self.fill: Fill = lambda recording: None
        self.is_aside: Callable[[], bool] = lambda: False
        self._log, self._written = log, 0

    def install(self) -> None:
        """Be called when Python ends, after all that the program wants to be called then."""
        atexit.register(self._at_exit)
        leave = os._exit

        def write_and_leave(status: int) -> NoReturn:
            self.write()
            leave(status)

        os._exit = write_and_leave  # forked processes of multiprocessing end so, and some programs
        self._leave = leave

    def _at_exit(self) -> None:
        """After an error torch's threads may abort the process as it ends: it ends before."""
        self.write()
        if getattr(sys, "last_value", None) is not None:
            self._flush()
            self._leave(1)

    def _flush(self) -> None:
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):  # the program may have closed it
                stream.flush()

    def stop(self, stuck: str | None = None) -> NoReturn:
        """End the process, since enough was seen, or since it cannot go on.

        It waits for its end from outside: other ranks may still need it.
        """
        self.write(stopped=stuck is None, stuck=stuck)
        self._flush()
        self._log.say(WAITS)
        parent, since = os.getppid(), time.monotonic()
        while os.getppid() == parent and time.monotonic() - since < LONGEST_WAIT_S:
            time.sleep(0.05)
        self._leave(0)

    def write(self, stopped: bool = False, stuck: str | None = None) -> None:
        """Write the recording, unless it is written already."""
        if self._written == os.getpid() or self.is_aside():
            return
        self._written = os.getpid()
        recording = Recording(pid=os.getpid(), arguments=list(sys.orig_argv))
        recording.stopped, recording.stuck = stopped, stuck
        recording.rank, _ = rank_and_world()
        error = getattr(sys, "last_value", None)
        if error is not None:
            recording.error = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
            recording.out_of_memory = _says_out_of_memory(error)
        try:
            self.fill(recording)
        except Exception as failure:
            recording.stuck = (
                f"samfit could not tell what it saw: {type(failure).__name__}: {failure}"
            )
        recording.write(self._log.folder)
        self._log.say(TOLD)


def _says_out_of_memory(error: Any) -> bool:
    """Whether memory that is used up is why, or why of why, an exception was raised."""
    for _ in range(16):
        if error is None:
            return False
        words = f"{type(error).__name__}: {error}"
        if "OutOfMemoryError" in words or any(sign in words for sign in SIGNS):
            return True
        error = error.__cause__ or error.__context__
    return False

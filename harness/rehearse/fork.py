"""Run a function in a child that starts from this process as it is, and ends with its answer.

CUDA keeps one state for as long as a process lives: the card, the allocator's segments, the
workspaces of libraries. A child of its own gives each rehearsal a fresh one, and spares it the
seconds in which torch is imported.
"""

import ctypes
import multiprocessing
import os
import signal
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import TypeVar

from samfit.errors import UserError

Answer = TypeVar("Answer")

PR_SET_PDEATHSIG = 1  # linux/prctl.h


class CrashError(UserError):
    """The child ended without an answer: a library crashed in it, or the system stopped it."""


def in_a_fork(function: Callable[..., Answer], *arguments: object) -> Answer:
    """What ``function`` returns in a child of this process; it is sent back by pickling.

    Raises:
        UserError: if the function raises one.
        CrashError: if the child ends without an answer.
        RuntimeError: for any other error, with its words.
    """
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_answer, args=(sender, os.getpid(), function, *arguments))
    child.start()
    sender.close()
    try:
        answer = receiver.recv()
    except EOFError:
        child.join()
        raise CrashError(_end(child.exitcode)) from None
    finally:
        receiver.close()
    child.join()
    if isinstance(answer, Exception):
        raise answer
    return answer


def _answer(sender: Connection, parent: int, function: Callable, *arguments: object) -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before this child asked to die with it
        return
    try:
        sender.send(function(*arguments))
    except UserError as error:
        sender.send(error)
    except Exception as error:
        traceback.print_exc()
        sender.send(RuntimeError(f"{type(error).__name__}: {error}"))


def _end(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        end = f"a library crashed in it ({signal.Signals(-exit_code).name})"
    else:
        end = f"its process ended with exit code {exit_code}"
    return f"the rehearsal gave no answer: {end}. --instrument trace predicts without it."

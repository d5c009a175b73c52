"""A worker process, as its parent sees it, and every way in which it can end."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor, TimeoutError
from contextlib import suppress
from threading import Lock
from typing import Any

from samfit.errors import UserError
from samfit.files import PACKAGE
from samfit.harness.record.environment import Environment
from samfit.harness.record.record import Status

SIGKILL = -9

# The worker leaves Ctrl-C to its parent, and imports this very samfit, whatever lies in the folder
# in which it is started; collecting garbage meanwhile would cost half a second.
BOOT = f"""
import gc, signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
sys.path[0] = {str(PACKAGE.parent)!r}
gc.disable()
from samfit.harness.run.worker import main
gc.freeze()
gc.enable()
main()
"""


class NoAnswerError(UserError):
    """Why a worker gave no answer: a mistake in the question, a limit of time, its death.

    Its status tells what a method and a backbone do not support from the rest.
    """

    def __init__(self, status: Status, message: str, duration_ms: float | None = None) -> None:
        super().__init__(message)
        self.status: Status = status
        self.duration_ms = duration_ms


class WorkerProcess:
    """Started on creation, and again if it ends; use it as a context manager."""

    def __init__(
        self, threads: int | None = None, environment: Mapping[str, str] | None = None
    ) -> None:
        """Start it.

        Args:
            threads: how many it computes with. Default: as many as there are processors.
            environment: variables that it has in place of those of this process.
        """
        self._environment = {**os.environ, **(environment or {})}
        if threads is not None:
            self._environment["OMP_NUM_THREADS"] = str(threads)
        self._starting = Lock()
        self._ended = False
        self._start()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", BOOT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=self._environment,
        )
        self._reader = ThreadPoolExecutor(1)
        self._greeting = self._read_line()

    @property
    def machine(self) -> Environment:
        """What the process says about the machine on which it runs, once it has started.

        Raises:
            UserError: if it does not start.
        """
        greeting = self._greeting.result()
        if not greeting:
            raise UserError(
                "the worker process did not start: read its message above, then reinstall samfit."
            )
        machine: Environment = json.loads(greeting)
        return machine

    def __enter__(self) -> "WorkerProcess":
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()

    def ask(self, question: dict[str, Any], limit_s: float | None = None) -> Any:
        """What ``worker.perform`` answers, as JSON values.

        Args:
            limit_s: seconds after which the process is stopped. Default: no limit.

        Raises:
            NoAnswerError: if the question could not be answered; the next one can be asked.
        """
        with self._starting:
            if self._process.poll() is not None and not self._ended:
                self._start()
        assert self.machine  # it has started
        try:
            self._send(question)
            line = self._read_line().result(limit_s)
        except TimeoutError:
            self.close()
            assert limit_s is not None  # or it would still wait
            message = f"stopped after {limit_s:.0f} s: run samfit sweep with a longer --time-limit."
            raise NoAnswerError("timeout", message, 1000 * limit_s) from None
        if not line.endswith("\n"):  # the process ended, perhaps in the middle of its answer
            exit_code = self._process.wait()
            self.close()
            raise NoAnswerError("error", _death(exit_code))
        said = json.loads(line)
        if "failed" in said:
            raise NoAnswerError(said.get("status", "error"), said["failed"])
        return said["answer"]

    def end(self) -> None:
        """From another thread: end the process, and let ``ask`` start no other."""
        with self._starting:
            self._ended = True
            self._process.kill()

    def close(self) -> None:
        """End the process, whatever it is doing."""
        self._process.kill()
        self._process.communicate()
        self._reader.shutdown()

    def _send(self, question: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # if it has just died, reading tells how
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()

    def _read_line(self) -> "Future[str]":
        assert self._process.stdout is not None
        return self._reader.submit(self._process.stdout.readline)


def _death(exit_code: int) -> str:
    if exit_code == SIGKILL:
        return (
            "the worker was killed (signal 9), most often by the system because the computer ran "
            "out of memory: use a smaller --batch-size or close other programs."
        )
    return f"the worker ended with exit code {exit_code}: read its message above."

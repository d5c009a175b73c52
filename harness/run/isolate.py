"""Run tasks in a worker process, and turn every way in which it can end into a record."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, TimeoutError
from contextlib import suppress
from dataclasses import replace
from threading import Lock
from typing import Any

from samfit.errors import UserError
from samfit.files import PACKAGE
from samfit.harness.record.environment import Environment
from samfit.harness.record.record import Record
from samfit.harness.run.task import Task

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


class Worker:
    """A worker process, started on creation, and again if it ends; use it as a context manager.

    Attributes:
        machine: what the worker says about the machine it runs on.
    """

    machine: Environment

    def __init__(self, threads: int | None = None) -> None:
        """``threads`` that it computes with; as many as there are processors without."""
        self._environment = dict(os.environ)
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
        try:
            greeting = self._read_line(None)
        except BaseException:  # Ctrl-C while it starts
            self.close()
            raise
        if not greeting:
            self.close()
            raise UserError(
                "the worker process did not start: read its message above, then reinstall samfit."
            )
        self.machine = json.loads(greeting)

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()

    def run(self, task: Task, timeout_s: float | None = None) -> Record:
        """The Record of ``task``; one without figures if the worker did not survive it."""
        with self._starting:
            if self._process.poll() is not None and not self._ended:
                self._start()
        try:
            self._send(task)
            answer = self._read_line(timeout_s)
        except TimeoutError:
            self.close()
            assert timeout_s is not None  # or it would still wait
            message = f"stopped after {timeout_s:.0f} s: give it more by samfit sweep --time-limit."
            record = task.ended("timeout", message, self.machine)
            return replace(record, duration_ms=1000 * timeout_s)
        if not answer.endswith("\n"):  # the process ended, perhaps in the middle of its answer
            exit_code = self._process.wait()
            self.close()
            return task.ended("error", _death(exit_code), self.machine)
        return Record.from_json(json.loads(answer))

    def end(self) -> None:
        """From another thread: end the process, and let ``run`` start no other."""
        with self._starting:
            self._ended = True
            self._process.kill()

    def close(self) -> None:
        """End the process, whatever it is doing."""
        self._process.kill()
        self._process.communicate()
        self._reader.shutdown()

    def _send(self, task: Task) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # if it has just died, reading tells how
            self._process.stdin.write(json.dumps(task.to_json()) + "\n")
            self._process.stdin.flush()

    def _read_line(self, timeout_s: float | None) -> str:
        assert self._process.stdout is not None
        return self._reader.submit(self._process.stdout.readline).result(timeout_s)


def run_isolated(task: Task, timeout_s: float | None = None) -> Record:
    """Run one task in a fresh process that ends with it."""
    with Worker() as worker:
        return worker.run(task, timeout_s)


def _death(exit_code: int) -> str:
    if exit_code == SIGKILL:
        return (
            "the worker was killed (signal 9), most often by the system for want of host memory: "
            "use a smaller --batch-size or close other programs."
        )
    return f"the worker ended with exit code {exit_code}: read its message above."

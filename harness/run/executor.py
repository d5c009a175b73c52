"""Executors: they run jobs somewhere, and give each answer as soon as there is one."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import cached_property
from queue import SimpleQueue
from typing import Any, Protocol, TypeVar

from samfit.harness.record.environment import Environment
from samfit.harness.run.process import WorkerProcess
from samfit.harness.run.task import Job

A = TypeVar("A")

MOST = 8  # processes side by side; each takes 1 GiB


class Executor(Protocol):
    """Where jobs run: processes of this machine, a cluster."""

    @property
    def machine(self) -> Environment:
        """The machine on which jobs run; a stored record of another one does not answer here."""

    def run(self, jobs: Sequence[Job[A]], limit_s: float | None = None) -> Iterator[A]:
        """The answer to each job, as soon as there is one.

        Args:
            limit_s: seconds after which a job is stopped. Default: no limit.
        """


class LocalWorkers:
    """The executor of this machine: worker processes. Use it as a context manager.

    Jobs that use all processors, or the card, run one at a time and in their order; they share a
    process unless they need a fresh one. Then those of one thread run side by side.
    """

    def __enter__(self) -> "LocalWorkers":
        return self

    def __exit__(self, *error: Any) -> None:
        if "_shared" in vars(self):
            self._shared.close()

    @cached_property
    def _shared(self) -> WorkerProcess:
        return WorkerProcess()

    @property
    def machine(self) -> Environment:
        """This machine, as a worker process describes it."""
        return self._shared.machine

    def run(self, jobs: Sequence[Job[A]], limit_s: float | None = None) -> Iterator[A]:
        """The answer to each job, as soon as there is one."""
        for job in jobs:
            if job.one_thread:
                continue
            if job.needs_fresh_process:
                with WorkerProcess() as fresh:
                    answer = fresh.run(job, limit_s)
            else:
                answer = self._shared.run(job, limit_s)
            yield answer
        yield from side_by_side([job for job in jobs if job.one_thread], limit_s)


def side_by_side(jobs: Sequence[Job[A]], limit_s: float | None = None) -> Iterator[A]:
    """The answer to each job, as soon as there is one; a processor and a process each."""
    if not jobs:
        return
    count = min(MOST, _processors(), len(jobs))
    workers = [WorkerProcess(threads=1) for _ in range(count)]
    free: SimpleQueue[WorkerProcess] = SimpleQueue()
    for worker in workers:
        free.put(worker)

    def one(job: Job[A]) -> A:
        worker = free.get()
        try:
            return worker.run(job, limit_s)
        finally:
            free.put(worker)

    pool = ThreadPoolExecutor(count)
    futures = [pool.submit(one, job) for job in jobs]
    try:
        for future in as_completed(futures):
            yield future.result()
    finally:  # whoever stops listening, such as on Ctrl-C, ends what is running, too
        pool.shutdown(wait=False, cancel_futures=True)
        for worker in workers:
            worker.end()
        pool.shutdown()
        for worker in workers:
            worker.close()


def _processors() -> int:
    """Those that this process may use, where the system tells."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

"""Executors: they run tasks somewhere, and give each record as soon as there is one."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import cached_property, partial
from queue import SimpleQueue
from typing import Any, Protocol, TypeVar

from samfit.harness.record.environment import Environment
from samfit.harness.record.record import Record
from samfit.harness.run.predict import instrument_for, rehearsing
from samfit.harness.run.process import NoAnswerError, WorkerProcess
from samfit.harness.run.task import Task

T = TypeVar("T")
Answer = TypeVar("Answer")

MOST = 8  # processes side by side; each takes 1 GiB


class Executor(Protocol):
    """Where tasks run: processes of this machine, a cluster."""

    @property
    def machine(self) -> Environment:
        """The machine on which tasks run; a stored record of another one does not answer here."""

    def run(self, tasks: Sequence[Task], limit_s: float | None = None) -> Iterator[Record]:
        """The record of each task, as soon as there is one, whatever becomes of the task.

        Args:
            limit_s: seconds after which a task is stopped. Default: no limit.
        """


class LocalWorkers:
    """The executor of this machine: worker processes. Use it as a context manager.

    Predictions come first, side by side: rehearsals, then traces, in processes without a stand-in.
    Tasks that use all processors, or the card, run one at a time and in their order; they share a
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

    def run(self, tasks: Sequence[Task], limit_s: float | None = None) -> Iterator[Record]:
        """The record of each task, as soon as there is one."""
        answer = partial(record_of, limit_s=limit_s)
        predictions: dict[bool, list[Task]] = {True: [], False: []}
        for task in tasks:
            if task.is_prediction:
                predictions[_rehearses(task)].append(task)
        yield from side_by_side(answer, predictions[True], rehearsing())
        yield from side_by_side(answer, predictions[False])
        for task in tasks:
            if task.one_thread or task.is_prediction:
                continue
            if task.needs_fresh_process:
                with WorkerProcess() as fresh:
                    record = record_of(fresh, task, limit_s)
            else:
                record = record_of(self._shared, task, limit_s)
            yield record
        left = [task for task in tasks if task.one_thread]
        yield from side_by_side(answer, left)


def record_of(worker: WorkerProcess, task: Task, limit_s: float | None = None) -> Record:
    """The Record of ``task``; one without figures if the worker cannot make it."""
    try:
        return Record.from_json(worker.ask(task.to_json(), limit_s))
    except NoAnswerError as end:
        return task.ended(end.status, str(end), worker.machine, end.duration_ms)


def side_by_side(
    work: Callable[[WorkerProcess, T], Answer],
    items: Sequence[T],
    environment: Mapping[str, str] | None = None,
) -> Iterator[Answer]:
    """``work`` on each item, as soon as it is done; each at a time has a process and a thread.

    The processes have the variables of ``environment`` in place of those of this one.

    Raises:
        UserError: if ``work`` does; nothing else goes on then.
    """
    if not items:
        return
    count = min(MOST, _processors(), len(items))
    workers = [WorkerProcess(1, environment) for _ in range(count)]
    free: SimpleQueue[WorkerProcess] = SimpleQueue()
    for worker in workers:
        free.put(worker)

    def one(item: T) -> Answer:
        worker = free.get()
        try:
            return work(worker, item)
        finally:
            free.put(worker)

    pool = ThreadPoolExecutor(count)
    futures = [pool.submit(one, item) for item in items]
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


def _rehearses(task: Task) -> bool:
    return task.how == "predict" and instrument_for(task.cell) == "rehearsal"


def _processors() -> int:
    """Those that this process may use, where the system tells."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

"""Trainings of small models: one thread each, as many at a time as there are processors.

A model this small keeps two threads less busy than two models keep one each.
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from queue import SimpleQueue

from samfit.harness.record.environment import Environment
from samfit.harness.record.record import Record
from samfit.harness.run.isolate import Worker
from samfit.harness.run.task import Task

THREADS = 1
MOST = 8  # processes; each takes 1 GiB


def machine(whole: Environment) -> Environment:
    """``whole``, as a training among others sees it."""
    return whole if whole["gpu"] else {**whole, "cpu_threads": THREADS}


def run(tasks: Sequence[Task], whole: Environment, timeout_s: float) -> Iterator[Record]:
    """The record of each task, as soon as there is one; on a card, one at a time."""
    if not tasks:
        return
    count = 1 if whole["gpu"] else min(MOST, _processors(), len(tasks))
    free: SimpleQueue[Worker] = SimpleQueue()
    workers = [Worker(None if whole["gpu"] else THREADS) for _ in range(count)]
    for worker in workers:
        free.put(worker)

    def one(task: Task) -> Record:
        worker = free.get()
        try:
            return worker.run(task, timeout_s)
        finally:
            free.put(worker)

    pool = ThreadPoolExecutor(count)
    futures: list[Future[Record]] = [pool.submit(one, task) for task in tasks]
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

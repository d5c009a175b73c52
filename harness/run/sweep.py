"""Many tasks: isolated, in order, resumable."""

from collections.abc import Iterator, Mapping
from typing import Any

from harness.environment import checkpoint_sha256, identity
from harness.record import Measurement
from harness.run import side_by_side
from harness.run.isolate import Worker, run_isolated
from harness.run.task import Task
from harness.sam.packaged import checkpoint_file
from harness.store import Store

TIMEOUT_S = 900.0  # for one task; a Cell that takes longer is recorded as timed out
WORTH_REPEATING = {"error"}  # what went wrong may have been mended since


def sweep(tasks: list[Task], store: Store, worker: Worker) -> Iterator[Measurement]:
    """Run every task that ``store`` does not answer yet; each record is stored before it is given.

    A stored record answers a task if it came from the same code, torch, machine and checkpoint. A
    kill at any moment loses at most the tasks in progress. Predictions share ``worker``, since they
    leave nothing behind; each measurement gets a fresh process; then trainings run side by side.

    Args:
        tasks: in the order in which they run, but for trainings, which come last.
        store: opened for writing.
        worker: for predictions; it also says what machine this is.

    Yields:
        The record of every task, as soon as there is one.
    """
    stored = store.load()
    answers = {record.key: record for record in stored if _answers(record, worker.machine)}
    one_by_one = [task for task in tasks if task.how != "score"]
    for task in one_by_one:
        record = answers.get(task.key)
        if record is None:
            record = (
                worker.run(task, TIMEOUT_S)
                if task.how == "predict"
                else run_isolated(task, TIMEOUT_S)
            )
            store.append(record)
            answers[task.key] = record
        yield record
    trained_on = side_by_side.machine(worker.machine)
    answers = {record.key: record for record in stored if _answers(record, trained_on)}
    left = []
    for task in tasks:
        if task.how == "score":
            if task.key in answers:
                yield answers[task.key]
            else:
                left.append(task)
    for record in side_by_side.run(left, worker.machine, TIMEOUT_S):
        store.append(record)
        yield record


def _answers(record: Measurement, machine: Mapping[str, Any]) -> bool:
    """Whether a stored record is what running its task again would give."""
    path = record.cell.checkpoint
    if record.status in WORTH_REPEATING or (path and not checkpoint_file(path).is_file()):
        return False
    here = {**machine, "checkpoint_sha256": checkpoint_sha256(record.cell)}
    return identity(record.environment) == identity(here)

"""Many tasks: isolated, in order, resumable."""

from collections.abc import Iterator

from samfit.harness.record.environment import Environment, checkpoint_sha256, identity
from samfit.harness.record.record import Record
from samfit.harness.record.store import Store
from samfit.harness.record.weights import checkpoint_file
from samfit.harness.run import side_by_side
from samfit.harness.run.isolate import Worker, run_isolated
from samfit.harness.run.task import TIME_LIMIT_S, Task

WORTH_REPEATING = {"error"}  # what went wrong may have been mended since


def sweep(
    tasks: list[Task], store: Store, worker: Worker, time_limit_s: float = TIME_LIMIT_S
) -> Iterator[Record]:
    """Run every task that ``store`` does not answer yet; each record is stored before it is given.

    A stored record answers a task if it came from the same code, torch, machine and checkpoint. A
    kill at any moment loses at most the tasks in progress. Predictions share ``worker``, since they
    leave nothing behind; each measurement gets a fresh process; then trainings run side by side.

    Args:
        tasks: in the order in which they run, but for trainings, which come last.
        store: opened for writing.
        worker: for predictions; it also says what machine this is.
        time_limit_s: a task that takes longer is stopped, and recorded as timed out; it is run
            again once it may take longer than it was given.

    Yields:
        The record of every task, as soon as there is one.
    """
    stored = store.load()

    def answered_on(machine: Environment) -> dict[str, Record]:
        return {r.key: r for r in stored if _answers(r, machine, time_limit_s)}

    answers = answered_on(worker.machine)
    one_by_one = [task for task in tasks if task.how != "score"]
    for task in one_by_one:
        record = answers.get(task.key)
        if record is None:
            record = (
                worker.run(task, time_limit_s)
                if task.how == "predict"
                else run_isolated(task, time_limit_s)
            )
            store.append(record)
            answers[task.key] = record
        yield record
    answers = answered_on(side_by_side.machine(worker.machine))
    left = []
    for task in tasks:
        if task.how == "score":
            if task.key in answers:
                yield answers[task.key]
            else:
                left.append(task)
    for record in side_by_side.run(left, worker.machine, time_limit_s):
        store.append(record)
        yield record


def _answers(record: Record, machine: Environment, time_limit_s: float) -> bool:
    """Whether a stored record is what running its task again would give."""
    path = record.cell.checkpoint
    if record.status in WORTH_REPEATING or (path and not checkpoint_file(path).is_file()):
        return False
    if record.status == "timeout" and (record.duration_ms or 0) < 1000 * time_limit_s:
        return False
    here: Environment = {**machine, "checkpoint_sha256": checkpoint_sha256(record.cell)}
    return identity(record.environment) == identity(here)

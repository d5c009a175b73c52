"""Many tasks, resumable: what is answered, and what is left. Needs no torch."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import cast

from samfit.harness.record.environment import Environment, checkpoint_sha256, identity
from samfit.harness.record.record import Record
from samfit.harness.record.store import Store
from samfit.harness.record.weights import checkpoint_file
from samfit.harness.run.executor import Executor, LocalWorkers
from samfit.harness.run.profiles import load_profile
from samfit.harness.run.task import PREDICTED, TIME_LIMIT_S, Task
from samfit.progress import SILENT, Progress

ANY_WILL_DO = ("gpu", "cpu_threads")  # a prediction is the same with each
WORTH_REPEATING = {"error"}  # what went wrong may have been mended since


def sweep(
    tasks: str | Path | Sequence[Task],
    store: Store,
    *,
    limit_s: float = TIME_LIMIT_S,
    executor: Executor | None = None,
    progress: Progress = SILENT,
) -> Iterator[Record]:
    """Run every task that ``store`` does not answer yet; each record is stored before it is given.

    A stored record answers a task if it came from the same code, torch, machine and checkpoint. A
    kill at any moment loses at most the tasks in progress: the same call resumes.

    Args:
        tasks: what to run, or the name of a profile, or the path of a JSON file; see
            ``load_profile``.
        store: where records are kept; nobody else can write to it meanwhile.
        limit_s: seconds after which a task is stopped, and recorded as timed out; it is run again
            once it may take longer.
        executor: what runs them. Default: processes of this machine.
        progress: is told how far it is, and of each record that is not ok.

    Yields:
        The record of every task: the stored ones, then the others as they end.

    Raises:
        UserError: for a profile or a store that cannot be used.
    """
    profile = load_profile(str(tasks)) if isinstance(tasks, str | Path) else lambda machine: tasks
    with store.writing(), chosen(executor) as running:
        yield from run_tasks(profile(running.machine), store, running, limit_s, progress)


def chosen(executor: Executor | None) -> AbstractContextManager[Executor]:
    """``executor``, or processes of this machine that end with the context."""
    return nullcontext(executor) if executor else LocalWorkers()


def run_tasks(
    tasks: Sequence[Task], store: Store, executor: Executor, limit_s: float, progress: Progress
) -> Iterator[Record]:
    """As ``sweep``, with a store that is opened for writing."""
    wanted = {task.key: task for task in tasks}
    records = _run(wanted, store, executor, limit_s)
    for record in progress.track(records, len(wanted), "Cells"):
        if record.status != "ok":
            progress.say(f"{record.key}: {record.status}, {record.message}")
        yield record


def _run(
    wanted: dict[str, Task], store: Store, executor: Executor, limit_s: float
) -> Iterator[Record]:
    """The records of the tasks, which have their keys."""
    answers = {}
    for record in store.load():
        task = wanted.get(record.key)
        if task and _answers(record, task.seen_from(executor.machine), limit_s):
            answers[record.key] = record
    yield from (answers[key] for key in wanted if key in answers)
    left = [task for key, task in wanted.items() if key not in answers]
    for record in executor.run(left, limit_s):
        store.append(record)
        yield record


def _answers(record: Record, machine: Environment, limit_s: float) -> bool:
    """Whether a stored record is what running its task again would give."""
    path = record.cell.checkpoint
    if record.status in WORTH_REPEATING or (path and not checkpoint_file(path).exists()):
        return False
    if record.status == "timeout" and (record.duration_ms or 0) < 1000 * limit_s:
        return False
    here: Environment = {**machine, "checkpoint_sha256": checkpoint_sha256(record.cell)}
    if record.source in PREDICTED.values():
        own = {name: record.environment.get(name) for name in ANY_WILL_DO}
        here = cast(Environment, {**here, **own})
    return identity(record.environment) == identity(here)

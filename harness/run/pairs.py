"""Two records of each Cell, to compare them: in rounds, and for so many minutes."""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from samfit.errors import UserError
from samfit.harness.record.environment import Environment
from samfit.harness.record.record import Record
from samfit.harness.record.store import Store
from samfit.harness.run.executor import Executor
from samfit.harness.run.sweep import run_tasks
from samfit.harness.run.task import TIME_LIMIT_S, Task
from samfit.progress import Progress

ROUND = 60  # Cells; processes are started for each round, which takes a few seconds


def check_minutes(minutes: float) -> None:
    """Refuse a time in which nothing could be done.

    Raises:
        UserError: unless it is more than 0.
    """
    if not minutes > 0:
        raise UserError(f"--minutes must be more than 0, got {minutes:g}.")


def run_pairs(
    tasks: Sequence[Task], store: Store, executor: Executor, minutes: float, progress: Progress
) -> Iterator[Record]:
    """The records of ``tasks``, as ``sweep`` gives them; once the time is over, no further one.

    Args:
        tasks: two of each Cell, one after the other; the first is to ``predict`` it.

    Raises:
        UserError: for a store that cannot be used.
    """
    with store.writing():
        records = run_tasks(tasks, store, Rounds(executor), TIME_LIMIT_S, progress)
        yield from _until(records, len(tasks) // 2, 60 * minutes, progress)


@dataclass(frozen=True)
class Rounds:
    """An executor that gives another one the tasks of some Cells at a time.

    That one predicts first, whatever the order of its tasks. So a run that ends early has
    predicted little for which it then had no time to compare.
    """

    executor: Executor

    @property
    def machine(self) -> Environment:
        """The machine on which tasks run."""
        return self.executor.machine

    def run(self, tasks: Sequence[Task], limit_s: float | None = None) -> Iterator[Record]:
        """The record of each task, round by round."""
        for start in range(0, len(tasks), 2 * ROUND):
            yield from self.executor.run(tasks[start : start + 2 * ROUND], limit_s)


def _until(
    records: Iterable[Record], cells: int, seconds: float, progress: Progress
) -> Iterator[Record]:
    """Pass on ``records``; once the time is over, leave out the others and say so."""
    end, done = time.monotonic() + seconds, 0
    for record in records:
        yield record
        done += record.source != "predicted"
        if done < cells and time.monotonic() >= end:
            progress.say(f"{done} of {cells} Cells: run it again for the others.")
            return

"""What every command prints with: answers to standard output, progress and errors to the other."""

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress as RichProgress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

import samfit
from samfit.errors import UserError
from samfit.files import writing_to
from samfit.harness.record.record import Record
from samfit.progress import Item, Progress

messages = Console(stderr=True)
FIRST_LINE_S, MOST_SILENT_S = 10, 300  # of progress in a file

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]


def print_json(document: Any) -> None:
    """Print one document, all of it or an error."""
    with writing_to("standard output"):
        try:
            print(json.dumps(document, indent=2), flush=True)
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing more to flush
            raise


def print_record(record: Record, as_json: bool) -> None:
    """Print one record.

    Raises:
        UserError: if the record's status is not ``ok``.
    """
    from samfit.harness.report.memory.summary import record_summary

    if as_json:
        print_json(record.to_json())
    elif record.status == "ok":
        print_answer(record_summary(record))
    if record.status != "ok":
        raise UserError(f"{record.cell.key}: {record.message}")


def print_answer(shown: RenderableType, files: Sequence[Path | None] = ()) -> None:
    """Print an answer, and the files that were written with it."""
    console = Console()
    console.print(shown)
    for file in filter(None, files):
        console.print(str(file), soft_wrap=True)


def print_written(written: "samfit.Written", as_json: bool) -> None:
    """Print what was taken out of samfit, and how it is used."""
    if as_json:
        print_json({**asdict(written), "path": str(written.path)})
    else:
        Console().print(str(written), soft_wrap=True, markup=False, highlight=False)


@contextmanager
def interruptible(so_far: str) -> Iterator[None]:
    """Let Ctrl-C end a command in a sentence that says what is there ``so_far``."""
    try:
        yield
    except KeyboardInterrupt:
        raise UserError(f"interrupted{so_far}.") from None


@contextmanager
def plain_interrupt() -> Iterator[None]:
    """Let Ctrl-C end the process at once: Python's exception could arise inside a callback of
    torch, which aborts with a stack of C++ frames."""
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def in_lines(
    items: Iterable[Item], total: int, what: object, say: Callable[[str], None]
) -> Iterator[Item]:
    """Pass ``items`` on, and ``say`` how far they are: what a log file can hold.

    The first line comes after ``FIRST_LINE_S``, each further one when a tenth more time has passed,
    so that short work is silent and long work fills no disk; work that had a line ends with one.
    """
    begun = time.monotonic()
    due, done, said = float(FIRST_LINE_S), 0, 0
    for done, item in enumerate(items, 1):
        yield item  # the work on it is done when the next is asked for
        passed = time.monotonic() - begun
        if passed >= due:
            left = timedelta(seconds=round(passed / done * (total - done)))
            say(f"{what}: {done:,} of {total:,}, {left} left")
            due, said = passed + min(max(FIRST_LINE_S, passed / 10), MOST_SILENT_S), done
    if 0 < said < done:
        say(f"{what}: {done:,} of {total:,}")


class Bars(Progress):
    """Shows a bar with an estimate for whatever takes long, and remarks above it."""

    def track(self, items: Iterable[Item], total: int, what: object) -> Iterator[Item]:
        """Pass ``items`` on, showing a bar, or, where there is no terminal, a line now and then."""
        if not messages.is_terminal:
            yield from in_lines(items, total, what, self.say)
            return
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
        )
        with RichProgress(*columns, console=messages) as bar:
            task = bar.add_task(str(what), total=total)
            for item in items:
                bar.update(task, advance=1, description=str(what))
                yield item

    def say(self, remark: str) -> None:
        """Print a sentence to standard error."""
        messages.print(remark, soft_wrap=True, markup=False)

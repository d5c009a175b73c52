"""What every command prints with: answers to standard output, progress and errors to the other."""

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from samfit.errors import UserError
from samfit.harness.record.record import Record

messages = Console(stderr=True)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]


def print_json(document: Any) -> None:
    """Print one document, all of it or an error."""
    try:
        print(json.dumps(document, indent=2), flush=True)
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing more to flush
        raise UserError(f"cannot write the answer: {error.strerror}.") from error


def print_record(record: Record, as_json: bool) -> None:
    """Print one record; nothing, but an error, for one that could not be made.

    Raises:
        UserError: if the record's status is not ``ok``.
    """
    from samfit.harness.report.kit.terminal import record_summary

    if as_json and record.status != "error":
        print_json(record.to_json())
    elif record.status == "ok":
        Console().print(record_summary(record))
    if record.status != "ok":
        raise UserError(f"{record.cell.key}: {record.message}")


@contextmanager
def plain_interrupt() -> Iterator[None]:
    """Let Ctrl-C end the process at once: Python's exception could arise inside a callback of
    torch, which aborts with a stack of C++ frames."""
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def stoppable() -> Iterator[Callable[[], bool]]:
    """Let Ctrl-C ask for an end instead of forcing it; a second one forces it.

    What comes back says whether it was asked for.
    """
    asked = threading.Event()
    before = signal.getsignal(signal.SIGINT)

    def ask(*_: object) -> None:
        asked.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, ask)
    try:
        yield asked.is_set
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def writing_to(path: Path) -> Iterator[None]:
    """Say in one sentence why a file of the user's choice cannot be written."""
    try:
        yield
    except OSError as error:
        raise UserError(f"cannot write --output {path}: {error.strerror}.") from error


def progress_bar() -> Progress:
    """A bar with an estimate."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=messages)


def with_bar(answers: Iterable[Any], total: int) -> Iterator[Any]:
    """Pass ``answers`` on, showing a bar."""
    with progress_bar() as progress:
        yield from progress.track(answers, total=total, description="methods")


class RecordBar:
    """A bar over records with an estimate, and a line for each record that is not ok."""

    def __init__(self) -> None:
        self.expected = 0
        self._progress = progress_bar()
        self._bar = self._progress.add_task("starting")

    def expect(self, count: int) -> None:
        """Show the bar: there will be so many records."""
        self.expected = count
        self._progress.update(self._bar, total=count)
        self._progress.start()

    def watch(self, records: Iterable[Record]) -> Iterator[Record]:
        """Pass ``records`` on."""
        try:
            for record in records:
                self._progress.update(self._bar, advance=1, description=record.key)
                if record.status != "ok":
                    messages.print(f"{record.key}: {record.status}, {record.message}")
                yield record
        finally:
            if self._progress.live.is_started:
                self._progress.stop()

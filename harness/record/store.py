"""The results file: JSON Lines, one Record a line, only ever appended to. Needs no torch."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from samfit.errors import UserError
from samfit.files import only_writer, writing_to
from samfit.harness.record.record import SCHEMA, Record

RECORD_BEGIN = b'{"key": "'  # what every line begins with
ADVICE = "mend that and run the same command again: finished Cells are kept"


class Store:
    """A results file.

    A record counts from the moment its line is complete on disk. A process that is killed while
    writing leaves at most a torn last line, which reading skips and the next writer cuts off.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)

    def load(self) -> list[Record]:
        """All records in the order in which they were written; none if there is no file yet.

        Raises:
            UserError: if the file cannot be read or holds something else.
        """
        lines = _whole(self._text()).splitlines()
        return [self._parse(number, line) for number, line in enumerate(lines, 1)]

    def latest(self) -> list[Record]:
        """The last record of each key: what a report shows."""
        return list({record.key: record for record in self.load()}.values())

    @contextmanager
    def writing(self) -> Iterator["Store"]:
        """Hold the file for appending; a second writer is turned away.

        Raises:
            UserError: if another process is writing, or the folder cannot be written.
        """
        with only_writer(self.path, Path(f"{self.path}.lock"), ADVICE):
            self.load()  # refuses a file that is not ours before anything in it is changed
            self._mend_last_line()
            yield self

    def append(self, record: Record) -> None:
        """Write a record through to the disk.

        Raises:
            UserError: if the disk is full or the file cannot be written; earlier records stay.
        """
        line = json.dumps(record.to_json()) + "\n"
        with writing_to(self.path, ADVICE), self.path.open("a", encoding="utf-8") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())

    def _parse(self, number: int, line: bytes) -> Record:
        where = f"line {number} of {self.path}"
        try:
            data = json.loads(line)
            schema = data["schema"]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise UserError(f"{where} is not a samfit record: is this a results file?") from error
        if schema != SCHEMA:
            raise UserError(
                f"{where} has schema {schema}, this samfit reads {SCHEMA}: "
                "use the version that wrote it, or measure again into another file."
            )
        try:
            return Record.from_json(data)
        except UserError as error:
            raise UserError(f"{where} is a broken samfit record ({error}): remove it.") from error

    def _text(self) -> bytes:
        if self.path.exists() and not self.path.is_file():
            raise UserError(f"cannot read {self.path}: it is not a file.")
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise UserError(f"cannot read {self.path}: {error.strerror}.") from error

    def _mend_last_line(self) -> None:
        """End a record that lacks its line end; cut off what is torn."""
        text = self._text()
        whole = _whole(text)
        with writing_to(self.path, ADVICE):
            if whole != text:
                os.truncate(self.path, len(whole))
            elif text and not text.endswith(b"\n"):
                with self.path.open("ab") as file:
                    file.write(b"\n")


def _whole(text: bytes) -> bytes:
    """``text`` without the beginning of a record whose writing was cut short."""
    start = text.rfind(b"\n") + 1
    tail = text[start:]
    if not tail.startswith(RECORD_BEGIN[: len(tail)]):
        return text
    try:
        json.loads(tail)
    except ValueError:
        return text[:start]
    return text


def read_results(path: Path) -> list[Record]:
    """The last record of each Cell in a results file.

    Raises:
        UserError: if there is none, or the file cannot be read.
    """
    records = Store(path).latest()
    if not records:
        raise UserError(f"there are no results in {path}: run samfit sweep bench first.")
    return records

"""A CSV file's cells, whatever separates them, with or without names of columns."""

import csv
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from samfit.errors import UserError

DELIMITERS = ",;\t|"


class Sheet(NamedTuple):
    """A table as it is in its file.

    Attributes:
        path: the file.
        head: what its columns are called; none if it does not say.
        rows: the cells of each line below, by its number.
        remarks: on how it was read.
    """

    path: Path
    head: tuple[str, ...]
    rows: Mapping[int, list[str]]
    remarks: tuple[str, ...]

    def cell(self, line: int, column: int) -> str:
        """What stands there; nothing if the line is too short."""
        row = self.rows[line]
        return row[column].strip() if column < len(row) else ""

    def cells(self, columns: Sequence[int]) -> list[str]:
        """What stands in some columns of the first row, if there is one."""
        return [self.cell(line, at) for line in [*self.rows][:1] for at in columns]

    @property
    def first(self) -> list[str]:
        """The first row, below the names of columns."""
        return next(iter(self.rows.values()), [])


def open_sheet(path: Path) -> Sheet:
    """The table in a file. The first line names columns unless two of its cells name files.

    Raises:
        UserError: if it is no readable text.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        first = text.partition("\n")[0]
        delimiter = max(DELIMITERS, key=first.count)  # the first of them if there is none
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        rows = dict[int, list[str]]()
        for row in filter(None, reader):
            rows[reader.line_num] = row
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path} is not a readable table: save it as CSV in UTF-8.") from error
    head, remarks = next(iter(rows.values()), []), list[str]()
    if delimiter != ",":
        named = "tabs" if delimiter == "\t" else delimiter
        remarks.append(f"{path.name} separates columns by {named}.")
    if sum(folder_of(path, cell) is not None for cell in head) > 1:
        remarks.append(f"{path.name} names no columns: --columns counts them from 0.")
        head = []
    elif rows:
        del rows[next(iter(rows))]
    return Sheet(path, tuple(name.strip() for name in head), rows, tuple(remarks))


def folder_of(table: Path, cell: str) -> Path | None:
    """The folder that a path in a table is relative to: its own or the one above; or None."""
    name = portable(cell)
    return next(
        (
            folder
            for folder in (table.parent, table.parent.parent)
            if name and os.path.isfile(folder / name)  # noqa: PTH113 - the method may raise
        ),
        None,
    )


def portable(cell: str) -> str:
    """A path; tables written on Windows separate folders by backslashes."""
    return cell.strip().replace("\\", "/")

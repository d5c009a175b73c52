"""Files that say which class a value or a colour of masks is, as data sets come with them."""

import csv
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from samfit.errors import UserError

# What columns are called; Row, CamVid's class_dict.csv and other tables that people have.
VALUE = ("value", "grey", "gray", "pixel", "pixel_value")
COLOUR = ("colour", "color", "hex")
RED_GREEN_BLUE = (("r", "g", "b"), ("red", "green", "blue"))
CLASS = ("class", "class_id", "id", "index", "label")
NAME = ("name", "class_name", "label", "class")
BACKGROUND = "background"
COMMENT = re.compile(r"\s*#(?![0-9a-fA-F]{6})")  # what is no colour
LABELMAP = re.compile(r"([^:]*):\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)\s*(:.*)?")  # name:r,g,b:parts:acts


class Row(NamedTuple):
    """One value: a number, or a colour RRGGBB; its class, and the name of the class."""

    value: str
    label: int
    name: str = ""


def rows_of(path: Path) -> list[Row]:
    """What is in a table with a header, or in a labelmap.txt of lines ``name:r,g,b::``.

    Columns are value, or colour, or r, g and b; class; and name. Without class, rows are classes in
    their order, from 0, but one that is named background comes first.

    Raises:
        UserError: if it is not there, or is neither.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError as error:
        raise UserError(f"--classes {path}: there is no such file.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"--classes {path} is not readable text: save it as CSV.") from error
    kept = [line for line in lines if line.strip() and not COMMENT.match(line)]
    maps = [LABELMAP.fullmatch(line.strip()) for line in kept]
    if kept and all(maps):
        found = [(_hex(m.groups()[1:4]), "", m[1].strip()) for m in maps if m]
    else:
        found = _columns(kept, path)
    return _in_order(found, path)


def _columns(lines: list[str], path: Path) -> list[tuple[str, str, str]]:
    """Value, class or nothing, and name or nothing, of each row below a header."""
    header = lines[0].lower() if lines else ""
    between = max(",;\t", key=header.count)
    names = [name.strip().strip('"') for name in header.split(between)]
    rows = [
        dict(zip(names, (cell.strip() for cell in cells), strict=False))
        for cells in csv.reader(lines[1:], delimiter=between)
    ]
    value = next((name for name in (*VALUE, *COLOUR) if name in names), None)
    channels = next((each for each in RED_GREEN_BLUE if {*each} <= {*names}), None)
    label = next((each for each in CLASS if any(row.get(each, "").isdecimal() for row in rows)), "")
    named = next((each for each in NAME if each in names and each != label), "")
    if not rows or not (value or channels):
        raise UserError(
            f"--classes {path} needs a header and rows of value and class, or of r, g, b and class;"
            " a column name is welcome. Without class, rows are classes from 0."
        )
    return [
        (
            row.get(value, "") if value else _hex([row.get(part, "") for part in channels or ()]),
            row.get(label, ""),
            row.get(named, ""),
        )
        for row in rows
    ]


def _in_order(found: list[tuple[str, str, str]], path: Path) -> list[Row]:
    """Rows with their classes; the order gives them where no column does."""
    if not any(label for _, label, _ in found):
        found = sorted(found, key=lambda row: row[2].lower() != BACKGROUND)
        return [Row(value, index, name) for index, (value, _, name) in enumerate(found)]
    rows = []
    for number, (value, label, name) in enumerate(found, 1):
        if not label.isdecimal():
            raise UserError(f"--classes {path} has no class number in row {number}: correct it.")
        rows.append(Row(value, int(label), name))
    return rows


def _hex(channels: Sequence[str]) -> str:
    """A colour of three decimal numbers as RRGGBB; what is wrong stays as it is, to be told."""
    if all(part.isdecimal() and int(part) < 256 for part in channels):
        return "".join(f"{int(part):02x}" for part in channels)
    return ",".join(channels)

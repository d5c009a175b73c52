"""What ``--classes`` and ``--ignore`` say: numbers, values, colours, or a file of these."""

import csv
import re
from pathlib import Path
from typing import NamedTuple

from samfit.errors import UserError
from samfit.harness.data.example import IGNORED

COLOUR = re.compile(r"#?([0-9a-fA-F]{6})")


class Table(NamedTuple):
    """Which class each value or colour is.

    Attributes:
        classes: class by value; colours are 0xRRGGBB.
        names: of the classes, from 0; empty if unknown.
        colours: whether the values are colours.
    """

    classes: dict[float, int]
    names: tuple[str, ...] = ()
    colours: bool = False


def classes_given(text: str) -> int | Table:
    """What ``--classes`` says: a number of classes, 0 if nothing, or which class values are.

    Raises:
        UserError: if it is none of these.
    """
    if not text:
        return 0
    if re.fullmatch(r"-?\d+", text):
        if not 0 <= int(text) < IGNORED:
            raise UserError(
                f"--classes must be from 1 to {IGNORED - 1}, or 0 to find out, got {text}."
            )
        return int(text)
    path = Path(text)
    if path.is_file():
        return _checked(_from_file(path), f"--classes {text}")
    rows = []
    for part in text.split(","):
        value, colon, found = part.rpartition(":")
        if not colon or not found.strip().isdecimal():
            raise UserError(
                f"--classes takes a number, VALUE:CLASS,... such as 255:0,128:1, or a CSV file, "
                f"got {part!r}: there is no such file, and it is no such pair."
            )
        rows.append((value, int(found), ""))
    return _checked(rows, "--classes")


def values_given(text: str) -> tuple[list[float], bool]:
    """The values that ``--ignore`` names, and whether they are colours.

    Raises:
        UserError: if they are neither numbers nor colours.
    """
    found = [_value(part, "--ignore") for part in text.split(",") if text]
    return [value for value, _ in found], any(colour for _, colour in found)


def _checked(rows: list[tuple[str, int, str]], option: str) -> Table:
    values = [(*_value(value, option), found, name) for value, found, name in rows]
    colours = {colour for _, colour, _, _ in values}
    if len(colours) > 1:
        raise UserError(f"{option} mixes values and colours: give one or the other.")
    classes = {value: found for value, _, found, _ in values}
    known = sorted({*classes.values()})
    if len(classes) < len(values):
        raise UserError(f"{option} names a value twice: name each once.")
    if known != [*range(len(known))] or len(known) < 2:
        raise UserError(
            f"{option} must give the classes 0, 1 and so on, without a gap, got "
            f"{', '.join(map(str, known))}: number them from 0, which is the background."
        )
    named = {found: name for _, _, found, name in values if name}
    names = tuple(named.get(index, str(index)) for index in known) if named else ()
    return Table(classes, names, colours == {True})


def _value(text: str, option: str) -> tuple[float, bool]:
    """A value, and whether it is a colour: six hexadecimal digits, unless it is a plain number."""
    text = text.strip()
    if colour := COLOUR.fullmatch(text):
        return int(colour[1], 16), True
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if number != number or abs(number) == float("inf"):
        raise UserError(
            f"{option}: {text!r} is neither a number nor a colour such as ff0000: correct it."
        )
    return (int(number) if number.is_integer() else number), False


def _from_file(path: Path) -> list[tuple[str, int, str]]:
    """Rows of value, class and name: columns value or r,g,b, and class and name if there are."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [
                {(name or "").strip().lower(): (text or "").strip() for name, text in row.items()}
                for row in csv.DictReader(file, restval="")
            ]
    except (OSError, UnicodeDecodeError, csv.Error, AttributeError) as error:
        raise UserError(f"--classes {path} is not a readable table: save it as CSV.") from error
    if not rows or not ({"value"} <= rows[0].keys() or {"r", "g", "b"} <= rows[0].keys()):
        raise UserError(
            f"--classes {path} needs the columns value and class, or r, g, b and class; a column "
            "name is welcome. Without class, rows are classes from 0."
        )
    found = []
    for index, row in enumerate(rows):
        try:
            value = row.get("value") or "".join(f"{int(row[part]):02x}" for part in "rgb")
            found.append((value, int(row.get("class") or index), row.get("name", "")))
        except ValueError as error:
            raise UserError(
                f"--classes {path} has no number in row {index + 1}: correct it."
            ) from error
    return found

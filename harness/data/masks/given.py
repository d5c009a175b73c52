"""What ``--classes`` and ``--ignore`` say: numbers, values, colours, or a file of these."""

import re
from pathlib import Path
from typing import NamedTuple

from samfit.errors import UserError
from samfit.harness.data.example import IGNORED
from samfit.harness.data.masks.class_file import Row, rows_of

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
    parts = text.strip(", ").split(",")
    pairs = [re.fullmatch(r"(.*):\s*(\d+)\s*", part) for part in parts]
    if all(pairs):
        return _checked([Row(pair[1], int(pair[2])) for pair in pairs if pair], "--classes")
    if (path := Path(text)).suffix in (".csv", ".tsv", ".txt"):
        return _checked(rows_of(path), f"--classes {text}")
    wrong = next(part for part, pair in zip(parts, pairs, strict=True) if not pair)
    raise UserError(
        f"--classes takes a number, VALUE:CLASS,... such as 255:0,128:1, or a file of these (.csv "
        f"or .txt), but {wrong!r} is none of these."
    )


def values_given(text: str) -> tuple[list[float], bool]:
    """The values that ``--ignore`` names, and whether they are colours.

    Raises:
        UserError: if they are neither numbers nor colours, or both.
    """
    found = [_value(part, "--ignore") for part in text.split(",") if text]
    if len({colour for _, colour in found}) > 1:
        raise UserError("--ignore mixes values and colours: give one or the other.")
    return [value for value, _ in found], any(colour for _, colour in found)


def _checked(rows: list[Row], option: str) -> Table:
    values = [(*_value(row.value, option), row.label, row.name) for row in rows]
    colours = {colour for _, colour, _, _ in values}
    if len(colours) > 1:
        raise UserError(f"{option} mixes values and colours: give one or the other.")
    classes = {value: found for value, _, found, _ in values}
    known = sorted({*classes.values()})
    if len(classes) < len(values):
        raise UserError(f"{option} names a value twice: name each once.")
    if known != [*range(len(known))] or not 2 <= len(known) <= IGNORED:
        raise UserError(
            f"{option} must give the classes 0, 1 and so on, without a gap and up to "
            f"{IGNORED - 1}, got {', '.join(map(str, known))}: number them from 0, which is the "
            "background."
        )
    named = {found: name for _, _, found, name in values if name}
    names = tuple(named.get(index, str(index)) for index in known) if named else ()
    return Table(classes, names, colours == {True})


def _value(text: str, option: str) -> tuple[float, bool]:
    """A value, and whether it is a colour, which has six hexadecimal digits."""
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

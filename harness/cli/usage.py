"""Mistakes in options, in words of our own: those of typer's checks are for programmers."""

import re
from typing import Any

import typer

# What typer raises for wrong options; where it is defined changes with typer's version.
UsageError: Any = typer.BadParameter.__base__

_WORDS = {
    r"Input should be a valid integer.*": "it must be a whole number.",
    r"Input should be a valid number.*": "it must be a number.",
    r"Input should be a valid boolean.*": "it must be true or false.",
    r"Input should be greater than or equal to (\S+)": r"it must be at least \1.",
    r"Input should be less than or equal to (\S+)": r"it must be at most \1.",
    r"Value error, (.+) is not one of (.+?)\.?": r"it must be one of \2, and is \1.",
}


def in_plain_words(error: Any) -> str:
    """The message of a ``UsageError``."""
    for theirs, ours in _WORDS.items():
        if found := re.fullmatch(theirs, error.message, re.DOTALL):
            return found.expand(ours)
    return str(error.message)

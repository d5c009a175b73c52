"""The one exception for mistakes that a user can mend, and the hint for a misspelt name."""

import difflib
from collections.abc import Iterable


class UserError(ValueError):
    """A mistake in what the user gave: one sentence that names it and says what to do.

    The command line prints the sentence and exits with a non-zero code; everything else that
    reaches the top is a bug.
    """


class UnsupportedError(UserError):
    """A method and a backbone, or an option, that cannot be used together, and why."""


class Remark(UserWarning):
    """What the user should know of a file although it can be used: one sentence.

    A warning of Python's, since it comes from rooms that know no ``Progress``; the command line
    prints the sentence alone.
    """


def spelling_hint(name: str, known: Iterable[str], similarity: float = 0.6) -> str:
    """The end of a sentence about an unknown name: the nearest of ``known``, else all of them.

    Names whose similarity (``difflib``, 0..1) is lower are not suggested.
    """
    known = list(known)
    near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=similarity)
    return f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(known)}."

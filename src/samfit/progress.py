"""How long work says what it does: silent unless somebody wants to see more. Needs no torch."""

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


class Progress:
    """Shows no bars, and prints remarks to standard error. Override what you want otherwise.

    With tqdm, in a notebook::

        class Bars(samfit.Progress):
            def track(self, items, total, what):
                return iter(tqdm(items, total=total, desc=str(what)))
    """

    def track(self, items: Iterable[Item], total: int, what: object) -> Iterator[Item]:
        """Pass ``items`` on.

        Args:
            items: each is there when a piece of the work is done.
            total: how many there are, unless the work ends early.
            what: ``str(what)`` says what is being done; training says more after each step.
        """
        return iter(items)

    def say(self, remark: str) -> None:
        """Tell the user a sentence, such as what was guessed about a data set."""
        print(remark, file=sys.stderr)


SILENT = Progress()

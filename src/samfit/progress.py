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
        """Pass ``items`` on: one for each piece of work done, ``total`` unless it ends early.

        ``str(what)`` says what is being done, in training anew after each step.
        """
        return iter(items)

    def say(self, remark: str) -> None:
        """Tell the user a sentence, such as what was guessed about a data set."""
        print(remark, file=sys.stderr)


SILENT = Progress()

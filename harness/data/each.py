"""Look at many files at once, and tell the first fault of all."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from samfit.errors import UserError
from samfit.progress import SILENT, Progress

Item = TypeVar("Item")
Found = TypeVar("Found")

# Decoding lets other threads run; more of them would hold many large pictures at once.
THREADS = min(4, os.cpu_count() or 1)


def each(
    look: Callable[[Item], Found], items: Sequence[Item], what: str, progress: Progress = SILENT
) -> list[Found]:
    """What ``look`` says of each item; all are looked at before the first fault is raised.

    Args:
        look: may raise UserError.
        items: what is looked at, by several threads.
        what: is being done, for ``progress``, which is told how far it is.

    Raises:
        UserError: the first that ``look`` raised, with the number of those that it raised.
    """

    def attempt(item: Item) -> Found | UserError:
        try:
            return look(item)
        except UserError as error:
            return error

    with ThreadPoolExecutor(THREADS) as pool:
        found = list(progress.track(pool.map(attempt, items), len(items), what))
    faults = [one for one in found if isinstance(one, UserError)]
    if faults:
        more = f" (one of {len(faults):,} such faults)" if len(faults) > 1 else ""
        raise UserError(f"{str(faults[0]).removesuffix('.')}{more}.") from faults[0]
    return [one for one in found if not isinstance(one, UserError)]

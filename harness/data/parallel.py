"""Many files at a time."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

THREADS = 8  # decoding lets other threads run; more would hold many large pictures at once


def in_threads(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """``function`` of each item, in order; what has not begun when the caller stops never does."""
    with ThreadPoolExecutor(THREADS) as pool:
        yield from pool.map(function, items)

"""What fits of many methods, each searched in a process of its own."""

import gc
import os
import signal
from collections.abc import Iterator, Sequence
from functools import partial
from multiprocessing import get_context

import torch

from samfit.harness.device.cards import Card
from samfit.harness.predict.answers import MethodFit
from samfit.harness.predict.search import fit
from samfit.harness.record.cell import Cell


def fit_methods(
    cells: Sequence[Cell], cards: Sequence[Card], wanted: int, most: int
) -> Iterator[list[MethodFit]]:
    """``fit`` of each of ``cells``, as soon as it is known, in any order.

    Raises:
        UserError: for a Cell that cannot be built.
    """
    search = partial(fit, cards=cards, wanted=wanted, most=most)
    processes = min(len(cells), os.cpu_count() or 1)
    if processes == 1:
        yield from map(search, cells)
        return
    with get_context("spawn").Pool(processes, _begin) as pool:
        yield from pool.imap_unordered(search, cells)


def _begin() -> None:
    """Leave Ctrl-C to the parent; one thread each, and no search for garbage, which is none."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
    gc.disable()

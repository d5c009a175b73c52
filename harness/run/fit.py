"""What fits of one method, or of many, each searched in a process of its own. Needs no torch."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from samfit.harness.device.cards import COMMON_CARDS, Card, find_card
from samfit.harness.predict.answers import MethodFit, Unsupported
from samfit.harness.record.cell import Cell
from samfit.harness.run.executor import side_by_side
from samfit.harness.run.predict import ask_rehearser, instrument_for, rehearsing
from samfit.harness.run.process import NoAnswerError, WorkerProcess


def fit(
    cell: Cell, cards: Sequence[Card | str] = COMMON_CARDS, wanted: int | None = None, most: int = 8
) -> list[MethodFit]:
    """Find the largest batch of a method on each of ``cards``, and the levers that it takes.

    What fits is what does not run out of memory when it is rehearsed; where nothing can be
    rehearsed it is traced.

    Args:
        cell: the method. Levers that it sets are there from the beginning, and the others are
            tried on top of them.
        cards: where it is to run, with nothing else on them: names, or what ``unnamed_card`` gives.
            Default: a card of each usual size, from 8 to 80 GB.
        wanted: the batch for which the fewest levers are sought. Default: that of ``cell``.
        most: the batch at which the search for the largest ends; not before ``wanted``.

    Returns:
        A MethodFit for each card: what fits of ``cell`` as it is, with the fewest levers that
        ``wanted`` takes, and with every lever that changes nothing but memory and time.

    Raises:
        UserError: for a Cell that cannot be built, or that cannot run on one of the cards.
    """
    found = [find_card(card) if isinstance(card, str) else card for card in cards]
    wanted = wanted or cell.batch_size
    if instrument_for(cell) == "rehearsal":
        return _fits(ask_rehearser(_question(cell, found, wanted, most)))
    from samfit.harness.predict.search import search  # imports torch

    return search(cell, found, wanted, most)


def fit_methods(
    cells: Sequence[Cell], cards: Sequence[Card], wanted: int, most: int
) -> Iterator[list[MethodFit] | Unsupported]:
    """``fit`` of each of ``cells``, as soon as it is known, in any order.

    Of a method that the backbone or an option does not support it is said why.

    Raises:
        UserError: for a Cell that cannot be built.
    """

    def ask(worker: WorkerProcess, cell: Cell) -> list[MethodFit] | Unsupported:
        try:
            return _fits(worker.ask(_question(cell, cards, wanted, most)))
        except NoAnswerError as end:
            if end.status != "unsupported":
                raise
            return Unsupported(cell.adapter, str(end))

    yield from side_by_side(ask, cells, rehearsing())


def _question(cell: Cell, cards: Sequence[Card], wanted: int, most: int) -> dict[str, Any]:
    """What a worker is asked, see ``worker.perform``."""
    asked = {"cards": list(map(asdict, cards)), "wanted": wanted, "most": most}
    return {"how": "fit", "cell": cell.to_json(), **asked}


def _fits(answer: list[dict[str, Any]]) -> list[MethodFit]:
    return [MethodFit.from_json(found) for found in answer]

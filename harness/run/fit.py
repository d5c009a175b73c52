"""What fits of many methods, each searched in a process of its own. Needs no torch."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from samfit.harness.device.cards import Card
from samfit.harness.predict.answers import MethodFit
from samfit.harness.record.cell import Cell
from samfit.harness.run.executor import side_by_side
from samfit.harness.run.process import WorkerProcess


def fit_methods(
    cells: Sequence[Cell], cards: Sequence[Card], wanted: int, most: int
) -> Iterator[list[MethodFit]]:
    """``fit`` of each of ``cells``, as soon as it is known, in any order.

    Raises:
        UserError: for a Cell that cannot be built.
    """
    if len(cells) == 1:  # no other process is needed
        from samfit.harness.predict.search import fit  # imports torch

        yield fit(cells[0], cards, wanted, most)
        return
    same = {"how": "fit", "cards": list(map(asdict, cards)), "wanted": wanted, "most": most}

    def search(worker: WorkerProcess, cell: Cell) -> list[MethodFit]:
        answer = worker.ask({**same, "cell": cell.to_json()})
        return [MethodFit.from_json(found) for found in answer]

    yield from side_by_side(search, cells)

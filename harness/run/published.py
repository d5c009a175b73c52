"""Rehearse what others measured. Needs no torch."""

from collections.abc import Iterator, Sequence

from samfit.errors import UserError
from samfit.harness.memory.figures import Outcome
from samfit.harness.record.cell import Cell
from samfit.harness.record.published import Comparison, Published, published
from samfit.harness.run.predict import ask_rehearser, why_not_rehearsed
from samfit.progress import SILENT, Progress


def compare_published(
    figures: Sequence[Published] | None = None, progress: Progress = SILENT
) -> Iterator[Comparison]:
    """Rehearse the Cell of each figure that others published. Needs no GPU.

    Where a message of out of memory says how much PyTorch could have, it has as much.

    Args:
        figures: Default: all of ``record/published.json``.
        progress: shows how far it is.

    Yields:
        each figure, in its order, with how its Cell ended.

    Raises:
        UserError: where nothing can be rehearsed.
    """
    figures = published() if figures is None else figures
    reasons = (why_not_rehearsed(figure.cell) for figure in figures if figure.cell)
    if reason := next(filter(None, reasons), None):
        raise UserError(f"published figures are compared with rehearsals: {reason}")
    for figure in progress.track(figures, len(figures), "rehearsing"):
        outcome = _outcome(figure.cell, figure.limit_bytes) if figure.cell else None
        yield Comparison(figure, outcome)


def _outcome(cell: Cell, usable_bytes: int | None) -> Outcome:
    question = {"how": "run", "cell": cell.to_json(), "usable_bytes": usable_bytes}
    return Outcome.from_json(ask_rehearser(question))

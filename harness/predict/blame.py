"""Blame: predict a Cell, and tell which modules hold its memory at the peak."""

from typing import overload

from samfit.harness.memory.holders import holders
from samfit.harness.predict.answers import Blame, Difference
from samfit.harness.predict.predict import Prediction, check_checkpoint
from samfit.harness.record.cell import Cell


@overload
def blame(cell: Cell) -> Blame: ...


@overload
def blame(cell: Cell, other: Cell) -> Difference: ...


def blame(cell: Cell, other: Cell | None = None) -> Blame | Difference:
    """Tell which modules hold the memory at the peak of one step. Needs no GPU.

    Returns:
        A Blame: the prediction of ``cell``, and the bytes of each module and category, which sum to
        its peak. With ``other``, a Difference: the Blame of either, ``one`` and ``other``.

    Raises:
        UserError: for a Cell that cannot be built.
    """
    if other is not None:
        return Difference(blame(cell), blame(other))
    check_checkpoint(cell)
    prediction = Prediction(cell)
    return Blame(prediction.record, holders(prediction.trace, prediction.held_bytes))

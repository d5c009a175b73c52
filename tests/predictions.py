"""Predictions of full-sized steps, which several pages and files of results speak of."""

from samfit import Cell, Record, predict

_made: dict[str, Record] = {}


def predicted_once(cell: Cell) -> Record:
    """``predict(cell)``, asked for only once in this process."""
    if cell.key not in _made:
        _made[cell.key] = predict(cell)
    return _made[cell.key]

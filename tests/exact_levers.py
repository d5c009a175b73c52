"""A Cell with every lever that its method can use without changing what it computes."""

from samfit.harness.record.cell import Cell
from samfit.harness.record.lever import apply_levers
from samfit.harness.step.levers import usable_levers


def with_every_exact_lever(cell: Cell) -> Cell:
    """``cell`` with all of them."""
    return apply_levers(cell, (lever for lever in usable_levers(cell) if lever.exact))

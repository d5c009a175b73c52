"""Which rows of a layer an update changes. Needs no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor

Part = Literal["q", "k", "v"]  # of an attention's projection


class Rows(NamedTuple):
    """Some rows of a layer's weight, and so some features of its output.

    They are the rows ``first`` to ``end`` of each of ``groups`` equal parts of the layer.
    """

    first: int
    end: int
    groups: int = 1

    @property
    def height(self) -> int:
        """How many rows these are."""
        return self.groups * (self.end - self.first)

    def add(self, y: Tensor, change: Tensor) -> None:
        """Add ``change`` (..., height) in place to these features of y (..., E).

        Added to all of y or to a view of it: to join the parts of y again would keep one more
        (..., E) tensor alive.
        """
        if self.height == y.shape[-1]:
            y.add_(change)
            return
        each = y.unflatten(-1, (self.groups, -1))[..., self.first : self.end]
        each.add_(change.unflatten(-1, (self.groups, -1)))

"""How much of a card one method needs, for any batch."""

import math
from dataclasses import replace

from samfit.harness.device.cards import Card
from samfit.harness.memory.need import Need
from samfit.harness.predict.predict import Prediction
from samfit.harness.record.cell import Cell


class Needs:
    """The needs of a Cell's method and levers, predicted once for each batch size.

    Batches are multiples of ``cell.gradient_accumulation``, into whose parts they must be cut.
    """

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        self._known: dict[int, Need] = {}

    def of(self, batch_size: int) -> Need:
        """The need of this batch."""
        if batch_size not in self._known:
            cell = replace(self.cell, batch_size=batch_size)
            self._known[batch_size] = Prediction(cell).need
        return self._known[batch_size]

    def largest_batch(self, card: Card, most: int) -> int:
        """The largest batch that fits ``card``, 0 for none; at most ``most``.

        Both it and the next, which does not fit, have been predicted; a line through the batches
        known so far only says where to look.
        """
        unit, capacity = self.cell.gradient_accumulation, card.usable_bytes
        fitting, failing, stride = 0, most // unit + 1, 1
        while failing - fitting > 1:
            count = min(max(self._guess(capacity) // unit, fitting + stride), failing - 1)
            if self.of(count * unit).on(card).fits(capacity):
                stride = 2 * stride if count == fitting + stride else 1
                fitting = count
            else:
                failing, stride = count, 1
        return fitting * unit

    def _guess(self, capacity_bytes: int) -> int:
        """Where a line through two batches that are known reaches the capacity."""
        if len(self._known) < 2:
            return self.cell.gradient_accumulation * (1 + len(self._known))
        first, *_, last = sorted(self._known)
        growth = (self.of(last).middle_bytes - self.of(first).middle_bytes) / (last - first)
        room = capacity_bytes - self.of(last).middle_bytes
        return last + math.floor(room / max(growth, 1))

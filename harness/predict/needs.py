"""How much of a card one method needs, for any batch."""

import math
from dataclasses import replace

from samfit.harness.memory.need import Need
from samfit.harness.predict.predict import trace_without_data
from samfit.harness.record.cell import Cell


class Needs:
    """The needs of a Cell's method and levers, predicted once for each batch size."""

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        self._known: dict[int, Need] = {}

    def of(self, batch_size: int) -> Need:
        """The need of this batch."""
        if batch_size not in self._known:
            cell = replace(self.cell, batch_size=batch_size)
            self._known[batch_size] = Need(trace_without_data(cell)[2])
        return self._known[batch_size]

    def largest_batch(self, capacity_bytes: int, most: int) -> int:
        """The largest batch that fits, 0 for none; at most ``most``.

        Both it and the next, which does not fit, have been predicted; a line through the batches
        known so far only says where to look.
        """
        fitting, failing, stride = 0, most + 1, 1
        while failing - fitting > 1:
            batch = min(max(self._guess(capacity_bytes), fitting + stride), failing - 1)
            if self.of(batch).fits(capacity_bytes):
                stride = 2 * stride if batch == fitting + stride else 1
                fitting = batch
            else:
                failing, stride = batch, 1
        return fitting

    def _guess(self, capacity_bytes: int) -> int:
        """Where a line through two batches that are known reaches the capacity."""
        if len(self._known) < 2:
            return 1 + len(self._known)
        first, *_, last = sorted(self._known)
        growth = (self.of(last).middle_bytes - self.of(first).middle_bytes) / (last - first)
        room = capacity_bytes - self.of(last).middle_bytes
        return last + math.floor(room / max(growth, 1))

"""The search for what fits of one method, on any number of cards."""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from samfit.adapters.core.registry import adapter_class
from samfit.errors import UserError
from samfit.harness.device.cards import Card, limited_to
from samfit.harness.predict.answers import DESKTOP_BYTES, Fit, MethodFit
from samfit.harness.predict.predict import check_checkpoint
from samfit.harness.predict.sizes import Peaks, Sizes, sizes
from samfit.harness.record.cell import Cell
from samfit.harness.record.lever import Lever, apply_levers
from samfit.harness.step.levers import usable_levers

Levers = tuple[Lever, ...]


def search(cell: Cell, cards: Sequence[Card], wanted: int, most: int) -> list[MethodFit]:
    """What fits of ``cell`` on each of ``cards``, by the best instrument of this process.

    Args and errors are those of ``run/fit.py``.
    """
    _check(cell)
    searching = _Search(cell, wanted, max(wanted, most))
    return [searching.on(card) for card in cards]


def _check(cell: Cell) -> None:
    if cell.device != "cuda":
        raise UserError(f"samfit fit answers for CUDA cards: leave out --device {cell.device}.")
    check_checkpoint(cell)


class Batches:
    """The batch sizes of a Cell's method and levers, on any card.

    Batches are multiples of ``cell.gradient_accumulation``, into whose parts they must be cut.
    """

    def __init__(self, cell: Cell, sizes: Sizes) -> None:
        self._cell, self._sizes = cell, sizes

    def cell(self, batch_size: int, card: Card) -> Cell:
        """The Cell with this batch, on such a card."""
        capability = card.compute_capability
        return replace(self._cell, batch_size=batch_size, compute_capability=capability)

    def peaks(self, batch_size: int, card: Card) -> Peaks:
        """What this batch takes where it has room enough."""
        return self._sizes.peaks(self.cell(batch_size, card), card)

    def fits(self, batch_size: int, card: Card) -> bool:
        """Whether this batch ends on ``card``."""
        return self._sizes.fits(self.cell(batch_size, card), card)

    def largest(self, card: Card, most: int) -> int:
        """The largest batch that fits ``card``, 0 for none; at most ``most``.

        Both it and the next, which does not fit, have been tried; a line through the batches known
        so far only says where to look.
        """
        unit = self._cell.gradient_accumulation
        if not self.fits(unit, card):
            return 0
        if most < 2 * unit or not self.fits(2 * unit, card):
            return unit
        fitting, failing, stride = 2, most // unit + 1, 1
        while failing - fitting > 1:
            count = min(max(self._guess(card) // unit, fitting + stride), failing - 1)
            if self.fits(count * unit, card):
                stride = 2 * stride if count == fitting + stride else 1
                fitting = count
            else:
                failing, stride = count, 1
        return fitting * unit

    def spare_bytes(self, batch_size: int, card: Card) -> int:
        """What others on ``card`` may take, and this batch still ends there, at least.

        PyTorch's allocator takes what it can get before it gives back what it keeps, so what it
        leaves free says little where memory is short: there the batch is tried beside a desktop.
        """
        free = card.usable_bytes - self.peaks(batch_size, card).reserved_bytes
        if free >= DESKTOP_BYTES:
            return free
        shared = limited_to(card, card.usable_bytes - DESKTOP_BYTES)
        if shared.usable_bytes > 0 and self.fits(batch_size, shared):
            return DESKTOP_BYTES
        return max(free, 0)

    def _guess(self, card: Card) -> int:
        """Where a line through the two smallest batches reaches the card's capacity."""
        unit = self._cell.gradient_accumulation
        one, two = self.peaks(unit, card).middle_bytes, self.peaks(2 * unit, card).middle_bytes
        return unit * (1 + math.floor((card.usable_bytes - one) / max(two - one, 1)))


class _Search:
    """Remembers what was predicted, since cards share it."""

    def __init__(self, cell: Cell, wanted: int, most: int) -> None:
        self._cell, self._wanted = cell, wanted
        self._most = most - most % cell.gradient_accumulation
        self._levers = usable_levers(cell)
        self._batches: dict[tuple[str, ...], Batches] = {}
        self._sizes = sizes()

    def on(self, card: Card) -> MethodFit:
        method = adapter_class(self._cell.adapter)
        published = self._fit((), card)
        fewest = None
        if published.batch_size < self._wanted:
            fewest = next(self._enough(card), None)
        return MethodFit(
            adapter=self._cell.adapter,
            title=method.title,
            serial=method.encoder_gradients,
            card=card,
            as_published=published,
            fewest_levers=fewest,
            every_lever=self._fit(self._usable(card, exact=True), card),
        )

    def _enough(self, card: Card) -> Iterator[Fit]:
        """What fits with each set of levers that suffices, small sets first; exact ones before
        any that is not."""
        for every in (self._usable(card, exact=True), self._usable(card, exact=False)):
            if not self._wanted_fits(every, card):  # then no part of it suffices
                continue
            for size in range(1, len(every) + 1):
                for levers in itertools.combinations(every, size):
                    if self._wanted_fits(levers, card):
                        yield self._fit(levers, card)

    def _usable(self, card: Card, exact: bool) -> Levers:
        """The exact levers, or all, that can be used on ``card``."""
        return tuple(
            lever
            for lever in self._levers
            if (lever.exact or not exact)
            and (lever.name != "precision" or card.computes_in_bfloat16)
        )

    def _wanted_fits(self, levers: Levers, card: Card) -> bool:
        return self._of(levers).fits(self._wanted, card)

    def _of(self, levers: Levers) -> Batches:
        names = tuple(lever.name for lever in levers)
        if names not in self._batches:
            self._batches[names] = Batches(apply_levers(self._cell, levers), self._sizes)
        return self._batches[names]

    def _fit(self, levers: Levers, card: Card) -> Fit:
        batches, most, unit = self._of(levers), self._most, self._cell.gradient_accumulation
        batch = batches.largest(card, most)
        shown = max(batch, unit)
        held = batches.peaks(shown, card)
        more = batches.peaks(batch + unit, card) if 0 < batch < most else None
        return Fit(
            cell=batches.cell(shown, card),
            levers=tuple(lever.name for lever in levers),
            exact=all(lever.exact for lever in levers),
            batch_size=batch,
            searched_up_to=most,
            peak_allocated_bytes=held.allocated_bytes,
            peak_reserved_bytes=held.reserved_bytes,
            spare_bytes=batches.spare_bytes(batch, card) if batch else None,
            next_allocated_bytes=more.allocated_bytes if more else None,
            next_reserved_bytes=more.reserved_bytes if more else None,
        )

"""The search for what fits of one method, on any number of cards."""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from samfit.adapters.core.registry import adapter_class
from samfit.errors import UserError
from samfit.harness.device.cards import COMMON_CARDS, Card, find_card
from samfit.harness.memory.need import Need
from samfit.harness.predict.answers import Fit, MethodFit
from samfit.harness.predict.predict import Prediction, check_checkpoint
from samfit.harness.record.cell import Cell
from samfit.harness.record.lever import Lever, apply_levers
from samfit.harness.step.levers import usable_levers

Levers = tuple[Lever, ...]


def fit(
    cell: Cell, cards: Sequence[Card | str] = COMMON_CARDS, wanted: int | None = None, most: int = 8
) -> list[MethodFit]:
    """Find the largest batch of a method on each of ``cards``, and the levers that it takes.

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
    _check(cell)
    wanted = wanted or cell.batch_size
    search = _Search(cell, wanted, max(wanted, most))
    return [search.on(card) for card in found]


def _check(cell: Cell) -> None:
    if cell.device != "cuda":
        raise UserError(f"samfit fit answers for CUDA cards: leave out --device {cell.device}.")
    check_checkpoint(cell)


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


class _Search:
    """Remembers what was predicted, since cards share it."""

    def __init__(self, cell: Cell, wanted: int, most: int) -> None:
        self._cell, self._wanted = cell, wanted
        self._most = most - most % cell.gradient_accumulation
        self._levers = usable_levers(cell)
        self._needs: dict[str, Needs] = {}

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
        return self._of(levers, card).of(self._wanted).on(card).fits(card.usable_bytes)

    def _of(self, levers: Levers, card: Card) -> Needs:
        cell = apply_levers(self._cell, levers)
        if cell.attention == "sdpa" and cell.precision != "fp32":  # cards have other kernels for it
            cell = replace(cell, compute_capability=card.compute_capability)
        if cell.key not in self._needs:
            self._needs[cell.key] = Needs(cell)
        return self._needs[cell.key]

    def _fit(self, levers: Levers, card: Card) -> Fit:
        needs, most, unit = self._of(levers, card), self._most, self._cell.gradient_accumulation
        batch = needs.largest_batch(card, most)
        shown = max(batch, unit)
        held = needs.of(shown).on(card).unlimited
        more = needs.of(batch + unit).on(card).unlimited if 0 < batch < most else None
        capability = card.compute_capability
        return Fit(
            cell=replace(needs.cell, batch_size=shown, compute_capability=capability),
            levers=tuple(lever.name for lever in levers),
            exact=all(lever.exact for lever in levers),
            batch_size=batch,
            searched_up_to=most,
            peak_allocated_bytes=held.peak_allocated_bytes,
            peak_reserved_bytes=held.peak_reserved_bytes,
            next_allocated_bytes=more.peak_allocated_bytes if more else None,
            next_reserved_bytes=more.peak_reserved_bytes if more else None,
        )

"""The search for what fits of one method, on any number of cards."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from samfit.adapters.core.registry import adapter_class
from samfit.harness.device.cards import Card
from samfit.harness.predict.answers import Fit, MethodFit
from samfit.harness.predict.needs import Needs
from samfit.harness.record.cell import Cell
from samfit.harness.step.ladder import Rung, ladder, pull_all

Rungs = tuple[Rung, ...]

HOPPER = "9.0"  # whose matrix library keeps more for itself; other cards need the same


def fit(cell: Cell, cards: Sequence[Card], wanted: int, most: int) -> list[MethodFit]:
    """What fits of the method of ``cell`` on each of ``cards``.

    Args:
        cell: the method as published; its batch size does not matter.
        cards: where it is to run, with nothing else on them.
        wanted: the batch for which the fewest levers are sought.
        most: the batch at which the search for the largest ends; at least ``wanted``.

    Raises:
        UserError: for a Cell that cannot be built.
    """
    search = _Search(cell, wanted, most)
    return [search.on(card) for card in cards]


class _Search:
    """Remembers what was predicted, since cards share it."""

    def __init__(self, cell: Cell, wanted: int, most: int) -> None:
        self._cell, self._wanted, self._most = cell, wanted, most
        self._ladder = ladder(cell)
        self._needs: dict[tuple[Any, ...], Needs] = {}

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
            every_lever=self._fit(self._rungs(card, exact=True), card),
        )

    def _enough(self, card: Card) -> Iterator[Fit]:
        """What fits with each set of levers that suffices, small sets first; exact ones before
        any that is not."""
        for every in (self._rungs(card, exact=True), self._rungs(card, exact=False)):
            if not self._wanted_fits(every, card):  # then no part of it suffices
                continue
            for size in range(1, len(every) + 1):
                for rungs in itertools.combinations(every, size):
                    if self._wanted_fits(rungs, card):
                        yield self._fit(rungs, card)

    def _rungs(self, card: Card, exact: bool) -> Rungs:
        """The exact rungs, or all, that can be climbed on ``card``."""
        return tuple(
            rung
            for rung in self._ladder
            if (rung.exact or not exact) and (rung.name != "precision" or card.computes_in_bfloat16)
        )

    def _wanted_fits(self, rungs: Rungs, card: Card) -> bool:
        return self._of(rungs, card).of(self._wanted).fits(card.usable_bytes)

    def _of(self, rungs: Rungs, card: Card) -> Needs:
        hopper = card.compute_capability == HOPPER
        key = (hopper, *(rung.name for rung in rungs))
        if key not in self._needs:
            cell = replace(self._cell, compute_capability=HOPPER) if hopper else self._cell
            self._needs[key] = Needs(pull_all(cell, rungs))
        return self._needs[key]

    def _fit(self, rungs: Rungs, card: Card) -> Fit:
        needs, most = self._of(rungs, card), self._most
        batch = needs.largest_batch(card.usable_bytes, most)
        held = needs.of(max(batch, 1)).unlimited
        more = needs.of(batch + 1).unlimited if 0 < batch < most else None
        return Fit(
            cell=replace(needs.cell, batch_size=max(batch, 1)),
            levers=tuple(rung.name for rung in rungs),
            exact=all(rung.exact for rung in rungs),
            batch_size=batch,
            searched_up_to=most,
            peak_allocated_bytes=held.peak_allocated_bytes,
            peak_reserved_bytes=held.peak_reserved_bytes,
            next_allocated_bytes=more.peak_allocated_bytes if more else None,
            next_reserved_bytes=more.peak_reserved_bytes if more else None,
        )

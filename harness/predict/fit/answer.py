"""The answer for one method: as published, with the fewest levers, with every exact one.

Needs no torch.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from samfit.harness.device.cards import Card
from samfit.harness.record.cell import Cell
from samfit.harness.record.environment import Environment


@dataclass(frozen=True, kw_only=True)
class Fit:
    """The largest batch of a method with some levers pulled.

    Attributes:
        cell: the method with these levers and this batch, or one image if none fits.
        levers: names of the rungs that were climbed.
        exact: whether they change nothing but memory and time.
        batch_size: the largest that fits; 0 if not even one image does.
        searched_up_to: the search ended there: if ``batch_size`` is as large, more may fit.
        peak_allocated_bytes, peak_reserved_bytes: of ``cell`` on a card that is large enough.
        next_allocated_bytes, next_reserved_bytes: of one image more; None if that was not tried.
    """

    cell: Cell
    levers: tuple[str, ...]
    exact: bool
    batch_size: int
    searched_up_to: int
    peak_allocated_bytes: int
    peak_reserved_bytes: int
    next_allocated_bytes: int | None
    next_reserved_bytes: int | None

    @property
    def batch(self) -> str:
        """The batch size in words: ``8+`` where the search ended."""
        return f"{self.batch_size}{'+' if self.batch_size == self.searched_up_to else ''}"


@dataclass(frozen=True, kw_only=True)
class MethodFit:
    """What fits of one method on one card.

    Attributes:
        as_published: without any lever.
        fewest_levers: the fewest with which the wanted batch fits, the least costly in time of
            equally many; None if it fits as published, or not at all.
        every_lever: with all that change nothing but memory and time.
    """

    adapter: str
    title: str
    serial: bool
    card: Card
    as_published: Fit
    fewest_levers: Fit | None
    every_lever: Fit

    def to_json(self) -> dict[str, Any]:
        """All fields as JSON values, but for the card its name."""
        return {**asdict(self), "card": self.card.name}


def document(fits: Sequence[MethodFit], asked: Cell, environment: Environment) -> dict[str, Any]:
    """All answers as one JSON object, with the cards and where their figures come from.

    ``asked`` has the backbone, the image size and the batch that should fit.
    """
    cards = dict.fromkeys(fit.card for fit in fits)
    return {
        "source": "predicted",
        "backbone": asked.backbone,
        "image_size": asked.image_size,
        "batch_size": asked.batch_size,
        "cards": [{**asdict(card), "usable_bytes": card.usable_bytes} for card in cards],
        "fits": [fit.to_json() for fit in fits],
        "environment": dict(environment),
    }

"""What the page must know to say what fits on a card: predictions, and the cards that hold them."""

from collections.abc import Sequence
from typing import Any

from samfit.harness.device.cards import CARDS, COMMON_CARDS
from samfit.harness.record.cell import Cell
from samfit.harness.record.lever import as_options, changed_fields, has_exact_levers_only
from samfit.harness.record.record import Record
from samfit.harness.report.kit.describe import PHASES, method_title
from samfit.harness.report.kit.select import is_as_published
from samfit.units import GIB


def fits_data(records: Sequence[Record]) -> dict[str, Any]:
    """Cards, models and Cells as JSON values; without Cells where no prediction names cards.

    Cells are in the order in which to try them: of each method as published first, then with ever
    more levers, those that round or allow no augmentation last.
    """
    predicted = naming_cards(records)
    ordered = sorted(predicted, key=lambda record: _cost(record.cell))
    return {
        "cards": [
            {"name": card.name, "usable_gib": round(card.usable_bytes / GIB, 2)}
            for card in sorted(CARDS, key=lambda card: (card.nominal_bytes, card.name))
        ],
        "first_card": COMMON_CARDS[0].name,
        "models": list(dict.fromkeys(_model(record.cell) for record in predicted)),
        "cells": [_cell(record) for record in ordered],
    }


def naming_cards(records: Sequence[Record]) -> list[Record]:
    """Those of ``records`` that say which cards hold them, and what they would reserve there."""
    return [
        r
        for r in records
        if r.memory and r.memory.fits is not None and r.memory.peak_reserved_bytes is not None
    ]


def _cost(cell: Cell) -> tuple[bool, int]:
    return not has_exact_levers_only(cell), len({**cell.settings, **changed_fields(cell)})


def _model(cell: Cell) -> str:
    """What is trained, or run, whatever the method."""
    return f"{cell.backbone}, {cell.image_size} × {cell.image_size}, {PHASES[cell.phase]}"


def _cell(record: Record) -> dict[str, Any]:
    memory = record.memory
    assert memory is not None and memory.peak_reserved_bytes is not None
    options = as_options(record.cell.settings, changed_fields(record.cell))
    return {
        "method": method_title(record),
        "model": _model(record.cell),
        "batch": record.cell.batch_size,
        "how": "as published" if is_as_published(record.cell) else f"with {options}",
        "needs_gib": round(memory.peak_reserved_bytes / GIB, 2),
        "fits": memory.fits,
    }

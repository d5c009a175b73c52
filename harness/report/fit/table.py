"""What fits, as tables for a terminal and as one JSON document."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd
from rich.console import Group, RenderableType

from samfit.harness.device.cards import CARDS, Card
from samfit.harness.predict.answers import DESKTOP_BYTES, Fit, MethodFit, Unsupported
from samfit.harness.record.cell import Cell, defaults_of
from samfit.harness.record.environment import environment
from samfit.harness.record.lever import as_options
from samfit.harness.report.kit.describe import PHASES, without_units
from samfit.harness.report.kit.select import VARIANT_FIELDS, is_as_published
from samfit.harness.report.kit.tables import CaptionedTable
from samfit.units import GIB, MIB

CAPTION = (
    "The largest batch that fits, with nothing else on the card; + : the search ended there. "
    "Every exact lever: all that a method can do without changing what it computes. "
    f"To spare: less than the {DESKTOP_BYTES // MIB} MiB that a desktop takes."
)
IN_WORDS = ("precision", "compute_capability")  # what ``asked`` names itself, and what a card has


def fit_tables(
    fits: Sequence[MethodFit], wanted: int, unsupported: Sequence[Unsupported] = ()
) -> RenderableType:
    """One table a card; below it what to do where nothing fits, and why a method is unsupported."""
    cards = list(dict.fromkeys(fit.card for fit in fits))
    tables = [
        _table([fit for fit in fits if fit.card == card], unsupported, card, wanted)
        for card in cards
    ]
    reasons = (f"unsupported: {each.reason}" for each in unsupported)
    return Group(*tables, *(advice(fit) for fit in fits if not _fits(fit)), *reasons)


def _fits(fit: MethodFit) -> bool:
    answers = (fit.as_published, fit.every_lever, fit.fewest_levers)
    return any(answer.batch_size for answer in answers if answer)


def _table(
    fits: Sequence[MethodFit], unsupported: Sequence[Unsupported], card: Card, wanted: int
) -> CaptionedTable:
    """What fits most without further levers comes first, then what fits most with them."""
    cell = fits[0].as_published.cell
    title = f"{card.name}: {card.usable_bytes / GIB:.2f} GiB for PyTorch\n{asked(cell)}"
    slow = without_units(cell, card.compute_capability)
    sentences = (describe_card(card), slow, CAPTION, f"Fewest levers: for a batch of {wanted}.")
    caption = " ".join(filter(None, sentences))
    rows = [
        {
            "method": fit.adapter,
            beginning(cell): _batch(fit.as_published),
            "every exact lever": _batch(fit.every_lever),
            "fewest levers": _fewest(fit, wanted),
        }
        for fit in sorted(fits, key=lambda fit: most_first([fit]))
    ]
    rows += [
        dict.fromkeys(rows[0], "unsupported") | {"method": each.adapter} for each in unsupported
    ]
    return CaptionedTable(pd.DataFrame(rows), title, caption)


def most_first(fits: Sequence[MethodFit]) -> tuple[int, int, str]:
    """The place of a method: by what fits without further levers, summed over cards, then with."""
    published = sum(fit.as_published.batch_size for fit in fits)
    return -published, -sum(fit.every_lever.batch_size for fit in fits), fits[0].adapter


def asked(cell: Cell) -> str:
    """What was asked of the method of ``cell``: its model, its step, and options of its own."""
    side, values, defaults = cell.image_size, vars(cell), defaults_of(cell.backbone)
    changed = {n: values[n] for n in VARIANT_FIELDS if values[n] != defaults[n]}
    others = {name: value for name, value in changed.items() if name not in IN_WORDS}
    words = [cell.backbone, f"{side} × {side}", cell.precision, f"one {PHASES[cell.phase]}"]
    return ", ".join(filter(None, [*words, as_options(cell.settings, others)]))


def beginning(cell: Cell) -> str:
    """How what fits without further levers is called."""
    return "as published" if is_as_published(cell) else "as asked"


def _fewest(fit: MethodFit, wanted: int) -> str:
    """The options that are to be added for the wanted batch, and what then fits."""
    if fit.as_published.batch_size >= wanted:
        return "none needed"
    found = fit.fewest_levers
    return f"{options(found)}  (batch {_batch(found)})" if found else "do not fit"


def _batch(fit: Fit) -> str:
    """The largest batch; beside it what others may take on the card, where that is little."""
    if fit.spare_bytes is None or fit.spare_bytes >= DESKTOP_BYTES:
        return fit.batch
    return f"{fit.batch}, {fit.spare_bytes / MIB:.0f} MiB to spare"


def options(fit: Fit) -> str:
    """What to add to a command line."""
    words = []
    for lever in fit.levers:
        value = getattr(fit.cell, lever.replace("-", "_"), True)  # the name of a setting has it
        words.append(f"--{lever}" if value is True else f"--{lever} {value}")
    return " ".join(words)


def advice(fit: MethodFit) -> str:
    """What to do about a method of which nothing fits."""
    found = fit.every_lever
    needed, batch = found.peak_reserved_bytes, found.cell.batch_size
    images = "one image needs" if batch == 1 else f"a batch of {batch} needs"
    cards = sorted((card.usable_bytes, card.name) for card in CARDS)
    names = [name for usable, name in cards if usable >= needed]
    card = f": {names[0]} is the smallest card known here that has it" if names else ""
    return (
        f"{fit.adapter} does not fit {fit.card.name}: with every exact lever {images} "
        f"{needed / GIB:.2f} GiB{card}. A smaller --backbone or --image-size needs less."
    )


def describe_card(card: Card) -> str:
    """Where the card's figures come from."""
    total, context = card.total_bytes / GIB, card.context_bytes / MIB
    sources = "published measurements" if card.measured else f"{card.context_source}, context"
    given = card.total_source.removeprefix("as given: ")
    read = f" {given}." if given != card.total_source else ""
    return f"Of {total:.2f} GiB a CUDA context takes {context:.0f} MiB ({sources}).{read}"


def fit_document(
    fits: Sequence[MethodFit], asked: Cell, unsupported: Sequence[Unsupported] = ()
) -> dict[str, Any]:
    """All answers as JSON values, with the cards and where their figures come from.

    ``asked`` has the backbone, the image size and the batch that should fit.
    """
    cards = dict.fromkeys(fit.card for fit in fits)
    return {
        "source": "predicted",
        "backbone": asked.backbone,
        "image_size": asked.image_size,
        "batch_size": asked.batch_size,
        "cards": [
            {**asdict(card), "measured": card.measured, "usable_bytes": card.usable_bytes}
            for card in cards
        ],
        "fits": [fit.to_json() for fit in fits],
        "unsupported": [asdict(each) for each in unsupported],
        "environment": dict(environment(asked)),
    }

"""What the page says of a card is what ``samfit fit`` says."""

from dataclasses import replace

from exact_levers import with_every_exact_lever

from samfit import Cell, find_card, fit, predict
from samfit.harness.report.page.fits import fits_data

BATCH = 2


def test_answers_equal_those_of_the_command():
    cell = Cell(adapter="lora", backbone="vit_b", batch_size=BATCH)
    data = fits_data([predict(with_every_exact_lever(cell)), predict(cell)])
    published, levers = data["cells"]
    assert published["how"] == "as published" and levers["how"].startswith("with ")
    cards = [find_card(name) for name in ("RTX 2060", "RTX 3080 12GB", "A100 40GB", "H100")]
    answers = fit(replace(cell, batch_size=1), cards, most=BATCH)
    for card, found in zip(cards, answers, strict=True):
        assert (card.name in published["fits"]) == (found.as_published.batch_size == BATCH)
        assert (card.name in levers["fits"]) == (found.every_lever.batch_size == BATCH)
    assert {found.as_published.batch_size == BATCH for found in answers} == {True, False}


def test_cells_stand_in_the_order_in_which_to_try_them():
    cell = Cell(adapter="cad", backbone="vit_tiny")
    ways = [
        replace(cell, cache_embeddings=True),
        replace(cell, attention="sdpa", optimizer="adamw_fused"),
        replace(cell, attention="sdpa"),
        cell,
    ]
    data = fits_data([predict(way) for way in ways])
    assert [way["how"] for way in data["cells"]] == [
        "as published",
        "with --attention sdpa",
        "with --attention sdpa --optimizer adamw_fused",
        "with --cache-embeddings",
    ]
    assert data["models"] == ["vit_tiny, 256 × 256, training step"]
    assert len(data["cards"]) > 40

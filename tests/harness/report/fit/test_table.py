"""The answers of ``samfit fit`` in words, numbers and colours."""

from dataclasses import replace

import pytest
from readable import printed

from samfit.harness.device.cards import find_card, unnamed_card
from samfit.harness.predict.answers import Fit, MethodFit
from samfit.harness.record.cell import Cell
from samfit.harness.report.fit.plot import draw_fit
from samfit.harness.report.fit.table import advice, describe_card, fit_tables, options

MIB, GIB = 2**20, 2**30
CARD = unnamed_card("8GiB")


def fit(batch, levers=(), spare_mib=2048, **cell):
    return Fit(
        cell=Cell(adapter="lora", batch_size=max(batch, 1), **cell),
        levers=levers,
        exact=True,
        batch_size=batch,
        searched_up_to=8,
        peak_allocated_bytes=9 * GIB,
        peak_reserved_bytes=10 * GIB,
        spare_bytes=spare_mib * MIB if batch else None,
        next_allocated_bytes=None,
        next_reserved_bytes=None,
    )


def answer(adapter, published, fewest=None, every=8, card=CARD):
    return MethodFit(
        adapter=adapter,
        title=adapter.upper(),
        serial=True,
        card=card,
        as_published=fit(published),
        fewest_levers=fewest,
        every_lever=fit(every),
    )


def test_a_row_says_what_fits_and_what_it_takes():
    lowered = fit(2, ("attention", "checkpointing"), attention="sdpa", checkpointing=True)
    text = printed(fit_tables([answer("lora", 0, lowered), answer("cad", 2)], 1), 100)
    lora = next(line for line in text.splitlines() if "lora" in line)
    assert lora.split()[:3] == ["lora", "0", "8+"]
    assert "--attention sdpa --checkpointing  (batch 2)" in lora
    assert "none needed" in next(line for line in text.splitlines() if "cad" in line)
    assert f"8GiB: {CARD.usable_bytes / GIB:.2f} GiB for PyTorch" in text
    assert text.index("cad") < text.index("lora")


def test_what_little_is_left_is_said():
    tight = replace(answer("lora", 2), as_published=fit(2, spare_mib=80))
    text = printed(fit_tables([tight], 1), 100)
    assert "2, 80 MiB to spare" in next(line for line in text.splitlines() if "lora" in line)
    assert "desktop" in text


def test_options_can_be_typed_as_they_are():
    lowered = fit(
        1,
        ("set lean=true", "optimizer", "encoder-micro-batch", "precision", "cache-embeddings"),
        optimizer="adamw_fused",
        precision="bf16",
        encoder_micro_batch=1,
        cache_embeddings=True,
    )
    assert options(lowered) == (
        "--set lean=true --optimizer adamw_fused --encoder-micro-batch 1 --precision bf16 "
        "--cache-embeddings"
    )


def test_where_nothing_fits_a_card_that_is_large_enough_is_named():
    words = advice(answer("full", 0, every=0))
    assert "10.00 GiB" in words
    assert find_card("RTX 2080 Ti").name in words
    assert "--backbone" in words


@pytest.mark.parametrize("cards", [["RTX 3060"], ["RTX 3060", "A100 80GB", "T4"]])
def test_the_heat_map_shows_every_method_on_every_card_twice(cards):
    fits = [
        answer(name, batch, card=find_card(card))
        for name, batch in (("lora", 0), ("cad", 3))
        for card in cards
    ]
    figure = draw_fit(fits)
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert texts.count("3") == texts.count("–") == len(cards)
    assert texts.count("8+") == 2 * len(cards)
    rows = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert rows == ["CAD", "LORA"]


def test_the_caption_says_how_a_decimal_size_was_read():
    assert describe_card(unnamed_card("8GB")).endswith(
        "8GB is 8,000,000,000 bytes; a card sold with 8GB has 8GiB."
    )
    assert "as given" not in describe_card(unnamed_card("8GiB"))

from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from samfit.harness.device.cards import CARDS, unnamed_card
from samfit.harness.memory.allocator import AllocatorOptions
from samfit.harness.memory.need import cards_that_hold
from samfit.harness.predict.needs import Needs
from samfit.harness.predict.predict import predict, trace_without_data
from samfit.harness.record.cell import Cell

OPTIONS = AllocatorOptions()
CELL = Cell(adapter="lora", backbone="vit_tiny", batch_size=2)


@pytest.fixture(scope="module")
def trace():
    return trace_without_data(CELL)[2]


def card(usable_mib: int, capability: str):
    context = unnamed_card("8GiB").context_bytes
    return replace(
        unnamed_card(f"{usable_mib + context // 2**20}MiB"),
        name=f"{usable_mib} {capability}",
        compute_capability=capability,
    )


@pytest.mark.parametrize("batch_size", [1, 4])
def test_the_answer_is_that_of_the_search(batch_size):
    cell = replace(CELL, batch_size=batch_size)
    cards = [card(mib, capability) for mib in range(40, 280, 12) for capability in ("7.5", "9.0")]
    held = cards_that_hold(trace_without_data(cell)[2], OPTIONS, cards)
    assert 0 < len(held) < len(cards)
    needs = {c: Needs(replace(cell, compute_capability=c)) for c in ("7.5", "9.0")}
    assert held == [
        c.name
        for c in cards
        if needs[c.compute_capability].largest_batch(c.usable_bytes, batch_size) == batch_size
    ]


def test_cards_without_units_for_bfloat16_are_left_out():
    held = predict(replace(CELL, precision="bf16")).memory.fits
    assert set(held) == {c.name for c in CARDS if c.compute_capability >= "8.0"}


def test_a_hopper_card_needs_room_for_its_workspace(trace):
    cards = [card(mib, capability) for capability in ("8.0", "9.0") for mib in range(40, 280, 4)]
    held = cards_that_hold(trace, OPTIONS, cards)
    ampere, hopper = (
        min(int(name.split()[0]) for name in held if name.endswith(capability))
        for capability in ("8.0", "9.0")
    )
    assert hopper > ampere
    on_hopper = replace(CELL, compute_capability="9.0")
    assert cards_that_hold(trace_without_data(on_hopper)[2], OPTIONS, cards) == held


@given(st.permutations(CARDS))
def test_a_prediction_names_the_known_cards(cards):
    assert set(RECORD.memory.fits) == {c.name for c in CARDS}, "vit_tiny fits all"
    assert cards_that_hold(TRACE, OPTIONS, cards) == [c.name for c in cards]


RECORD, TRACE = predict(CELL), trace_without_data(CELL)[2]

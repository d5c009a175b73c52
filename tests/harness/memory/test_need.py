from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from samfit import Cell, predict, unnamed_card
from samfit.harness.device.cards import CARDS, card_of_capability
from samfit.harness.memory.need import Need, cards_that_hold
from samfit.harness.predict.sizes import TracedSizes
from samfit.harness.predict.traced import trace_without_data

CELL = Cell(adapter="lora", backbone="vit_tiny", batch_size=2)


def need_of(cell: Cell) -> Need:
    return Need(trace_without_data(cell)[1])


@pytest.fixture(scope="module")
def need():
    return need_of(CELL)


def card(usable_mib: int, capability: str):
    context = unnamed_card("8GiB").context_bytes
    return replace(
        unnamed_card(f"{usable_mib + context // 2**20}MiB"),
        name=f"{usable_mib} {capability}",
        compute_capability=capability,
        multiprocessors=card_of_capability(capability).multiprocessors,
    )


@pytest.mark.parametrize("batch_size", [1, 4])
@pytest.mark.parametrize("traced_for", ["8.0", "9.0"])
def test_the_answer_is_that_of_the_search_for_whatever_card_it_was_traced(batch_size, traced_for):
    cell = replace(CELL, batch_size=batch_size)
    cards = [card(mib, capability) for mib in range(40, 280, 12) for capability in ("7.5", "9.0")]
    held = cards_that_hold(need_of(replace(cell, compute_capability=traced_for)), cards)
    assert 0 < len(held) < len(cards)
    sizes = TracedSizes()
    own = {c: replace(cell, compute_capability=c.compute_capability) for c in cards}
    assert held == [c.name for c in cards if sizes.fits(own[c], c)]


def test_on_a_hopper_card_it_is_what_tracing_for_one_gives(need):
    hopper, ampere = card(100, "9.0"), card(100, "8.0")
    traced = need_of(replace(CELL, compute_capability="9.0"))
    assert need.on(hopper).unlimited == traced.unlimited != need.unlimited
    assert traced.on(ampere).unlimited == need.unlimited
    assert need.on(ampere) is need and traced.on(hopper) is traced
    assert need.on(hopper) is need.on(replace(hopper, name="another"))


@pytest.mark.parametrize(
    ("attention", "precision"), [("eager", "bf16"), ("sdpa", "fp32"), ("sdpa", "bf16")]
)
def test_cards_that_would_attend_otherwise_are_left_out(attention, precision):
    held = predict(replace(CELL, attention=attention, precision=precision)).memory.fits
    alike = (8, 12) if (attention, precision) == ("sdpa", "bf16") else range(20)
    assert set(held) == {c.name for c in CARDS if int(float(c.compute_capability)) in alike}


def test_a_hopper_card_needs_room_for_its_workspace(need):
    cards = [card(mib, capability) for capability in ("8.0", "9.0") for mib in range(40, 280, 4)]
    held = cards_that_hold(need, cards)
    ampere, hopper = (
        min(int(name.split()[0]) for name in held if name.endswith(capability))
        for capability in ("8.0", "9.0")
    )
    assert hopper > ampere


@given(st.permutations(CARDS))
def test_a_prediction_names_the_known_cards(cards):
    assert cards_that_hold(NEED, cards) == [c.name for c in cards], "vit_tiny fits all"


NEED = need_of(CELL)

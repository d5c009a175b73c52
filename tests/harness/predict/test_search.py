"""What fits, each answer confirmed by predicting that batch and the next."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from hypothesis import given, strategies as st
from user_error import user_error

import samfit
from samfit import Cell, find_card, unnamed_card
from samfit.harness.predict.search import Batches
from samfit.harness.predict.sizes import Peaks, Sizes, TracedSizes
from samfit.units import MIB

CONTEXT = unnamed_card("8GiB").context_bytes // MIB


def card(usable_mib: int):
    return unnamed_card(f"{CONTEXT + usable_mib}MiB")


def tiny(adapter: str, **fields) -> Cell:
    return Cell(adapter=adapter, backbone="vit_tiny", **fields)


def assert_confirmed(answer, ends, unit=1):
    """Each answer fits, and the next batch does not."""
    for found in filter(None, (answer.as_published, answer.fewest_levers, answer.every_lever)):
        if found.batch_size:
            assert ends(found.cell, answer.card)
            assert found.cell.batch_size == found.batch_size
        if found.batch_size < found.searched_up_to:
            assert not ends(replace(found.cell, batch_size=found.batch_size + unit), answer.card)


@pytest.fixture(params=["rehearsal", "trace"])
def searched(request, monkeypatch, ends_rehearsed):
    """``samfit.fit`` by either instrument, and what confirms it."""
    if request.param == "rehearsal":
        return samfit.fit, ends_rehearsed
    monkeypatch.setattr("samfit.harness.run.fit.instrument_for", lambda cell: "trace")
    return samfit.fit, TracedSizes().fits


@pytest.mark.parametrize("adapter", ["lora", "cad", "lst"])
def test_each_answer_fits_and_one_image_more_does_not(adapter, searched):
    fit, ends = searched
    (answer,) = fit(tiny(adapter), [card(110)], most=4)
    assert_confirmed(answer, ends)


@pytest.mark.parametrize(
    "fields",
    [
        {"phase": "infer", "prompt": "none"},
        {"alloc_conf": "roundup_power2_divisions:2"},
        {"loss": "dice_ce", "optimizer": "adamw_fused", "settings": {"rank": 64}},
        {"attention": "sdpa", "precision": "bf16"},
    ],
    ids=str,
)
def test_whatever_the_cell_says_is_asked(fields):
    cell = tiny("lora", **fields)
    (answer,) = samfit.fit(cell, [card(2000)], most=1)
    found, plain = answer.as_published, samfit.predict(tiny("lora")).memory
    assert found.cell == cell
    assert found.peak_reserved_bytes == samfit.predict(cell).memory.peak_reserved_bytes
    assert found.peak_reserved_bytes != plain.peak_reserved_bytes
    assert not fields.keys() & {name.replace("-", "_") for name in answer.every_lever.levers}


def test_batches_are_those_that_can_be_cut(ends_rehearsed):
    cell = tiny("decoder", gradient_accumulation=2, batch_size=2)
    (answer,) = samfit.fit(cell, [card(39)], most=7)
    assert answer.as_published.searched_up_to == 6
    assert answer.as_published.batch_size in (2, 4)
    assert_confirmed(answer, ends_rehearsed, unit=2)


def test_figures_are_those_of_a_prediction():
    (answer,) = samfit.fit(tiny("lora"), [card(110)], wanted=1, most=2)
    found = answer.every_lever
    memory = samfit.predict(found.cell).memory
    assert found.peak_reserved_bytes == memory.peak_reserved_bytes
    assert found.peak_allocated_bytes == memory.peak_allocated_bytes


def test_levers_are_sought_only_where_the_method_does_not_fit_as_published():
    small, large = samfit.fit(tiny("lora"), [card(60), card(2000)], wanted=2, most=4)
    assert small.as_published.batch_size < 2
    assert small.fewest_levers.batch_size >= 2
    assert len(small.fewest_levers.levers) <= len(small.every_lever.levers)
    assert large.as_published.batch == "4+"
    assert large.fewest_levers is None


def test_where_nothing_fits_the_answer_says_what_one_image_needs():
    (answer,) = samfit.fit(tiny("lora"), [card(10)], wanted=1, most=4)
    assert answer.as_published.batch == "0"
    assert answer.fewest_levers is None
    assert answer.every_lever.peak_reserved_bytes > 10 * MIB


def test_levers_that_round_come_only_after_those_that_do_not():
    cell = tiny("lora")
    exact = samfit.fit(cell, [card(2000)], wanted=1, most=1)[0].every_lever
    short = unnamed_card(f"{CONTEXT * MIB + exact.peak_allocated_bytes - 2 * MIB >> 20}MiB")
    fewest = samfit.fit(cell, [short], wanted=1, most=1)[0].fewest_levers
    assert fewest is None or "precision" in fewest.levers


def test_cards_without_bfloat16_are_not_told_to_use_it():
    turing = replace(card(30), compute_capability="7.5")
    fewest = samfit.fit(tiny("lora"), [turing], wanted=1, most=1)[0].fewest_levers
    assert fewest is None or "precision" not in fewest.levers


@pytest.mark.parametrize(("precision", "more"), [("bf16", True), ("fp16", False)])
def test_old_cards_build_n_by_n_matrices_in_bfloat16(precision, more):
    cell = tiny("decoder", precision=precision, attention="sdpa", phase="infer")
    old, new = (fit.as_published for fit in samfit.fit(cell, ["T4", "RTX 3060"], most=1))
    assert (old.peak_allocated_bytes > 1.1 * new.peak_allocated_bytes) == more


def test_a_hopper_card_keeps_more_for_its_matrix_library():
    ampere, hopper = samfit.fit(tiny("decoder"), ["A100 80GB", find_card("H100")], wanted=1, most=1)
    difference = hopper.as_published.peak_reserved_bytes - ampere.as_published.peak_reserved_bytes
    assert difference > 20 * MIB


def test_cards_are_those_of_every_usual_size_unless_some_are_named():
    answers = samfit.fit(tiny("decoder"), most=1)
    assert [answer.card.sold_gb for answer in answers] == [8, 12, 16, 24, 48, 80]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"device": "cpu"}, ["CUDA", "--device cpu"]),
        ({"checkpoint": "missing.pth"}, ["missing.pth"]),
        ({"encoder_micro_batch": 2}, ["lora", "--encoder-micro-batch"]),
    ],
    ids=str,
)
def test_what_cannot_be_answered_is_one_sentence(fields, words):
    with user_error(*words):
        samfit.fit(tiny("lora", **fields), ["T4", "RTX 3060"])


class Known:
    """Sizes of so many bytes for each batch; some more is lost to fragmentation."""

    def __init__(self, allocated, lost):
        self._allocated, self._lost = allocated, lost

    def peaks(self, cell, card):
        needed = self._allocated[cell.batch_size - 1]
        return Peaks(needed + self._lost, needed + self._lost)

    def fits(self, cell, card):
        return self._allocated[cell.batch_size - 1] <= card.usable_bytes


@given(
    increments=st.lists(st.integers(0, 1000), min_size=17, max_size=17),
    lost=st.integers(-500, 500),
    capacity=st.integers(0, 17_000),
    most=st.integers(1, 16),
)
def test_the_search_finds_the_largest_batch_whatever_the_needs(increments, lost, capacity, most):
    allocated = [sum(increments[: count + 1]) for count in range(17)]
    with_room = SimpleNamespace(usable_bytes=capacity, compute_capability="8.0")
    largest = max((n for n in range(1, most + 1) if allocated[n - 1] <= capacity), default=0)
    sizes: Sizes = Known(allocated, lost)
    assert Batches(tiny("decoder"), sizes).largest(with_room, most) == largest

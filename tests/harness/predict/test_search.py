"""What fits, each answer confirmed by predicting that batch and the next."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from hypothesis import given, strategies as st

from samfit.harness.device.cards import MIB, find_card, unnamed_card
from samfit.harness.memory.allocator import AllocatorOptions, DoesNotFitError
from samfit.harness.memory.replay import replay
from samfit.harness.predict.needs import Needs
from samfit.harness.predict.predict import predict, trace_without_data
from samfit.harness.predict.search import fit
from samfit.harness.record.cell import Cell

CONTEXT = 619  # MiB, of a card that has no name


def card(usable_mib: int):
    return unnamed_card(f"{CONTEXT + usable_mib}MiB")


def tiny(adapter: str, **fields) -> Cell:
    return Cell(adapter=adapter, backbone="vit_tiny", **fields)


def fits(cell: Cell, capacity: int) -> bool:
    try:
        replay(trace_without_data(cell)[2], AllocatorOptions(), capacity)
    except DoesNotFitError:
        return False
    return True


@pytest.mark.parametrize("adapter", ["lora", "cad", "lst"])
def test_each_answer_fits_and_one_image_more_does_not(adapter):
    where = card(110)
    (answer,) = fit(tiny(adapter), [where], wanted=1, most=4)
    for fit in filter(None, (answer.as_published, answer.fewest_levers, answer.every_lever)):
        if fit.batch_size:
            assert fits(fit.cell, where.usable_bytes)
            assert fit.cell.batch_size == fit.batch_size
        if fit.batch_size < fit.searched_up_to:
            more = replace(fit.cell, batch_size=fit.batch_size + 1)
            assert not fits(more, where.usable_bytes)


def test_figures_are_those_of_a_prediction():
    (answer,) = fit(tiny("lora"), [card(110)], wanted=1, most=2)
    fit = answer.every_lever
    memory = predict(fit.cell).memory
    assert fit.peak_reserved_bytes == memory.peak_reserved_bytes
    assert fit.peak_allocated_bytes == memory.peak_allocated_bytes


def test_levers_are_sought_only_where_the_method_does_not_fit_as_published():
    small, large = fit(tiny("lora"), [card(60), card(2000)], wanted=2, most=4)
    assert small.as_published.batch_size < 2
    assert small.fewest_levers.batch_size >= 2
    assert len(small.fewest_levers.levers) <= len(small.every_lever.levers)
    assert large.as_published.batch == "4+"
    assert large.fewest_levers is None


def test_where_nothing_fits_the_answer_says_what_one_image_needs():
    (answer,) = fit(tiny("lora"), [card(10)], wanted=1, most=4)
    assert answer.as_published.batch == "0"
    assert answer.fewest_levers is None
    assert answer.every_lever.peak_reserved_bytes > 10 * MIB


def test_levers_that_round_come_only_after_those_that_do_not():
    cell = tiny("lora")
    exact = fit(cell, [card(2000)], wanted=1, most=1)[0].every_lever
    short = unnamed_card(f"{CONTEXT * MIB + exact.peak_allocated_bytes - 2 * MIB >> 20}MiB")
    fewest = fit(cell, [short], wanted=1, most=1)[0].fewest_levers
    assert fewest is None or "precision" in fewest.levers


def test_cards_without_bfloat16_are_not_told_to_use_it():
    turing = replace(card(30), compute_capability="7.5")
    fewest = fit(tiny("lora"), [turing], wanted=1, most=1)[0].fewest_levers
    assert fewest is None or "precision" not in fewest.levers


def test_a_hopper_card_keeps_more_for_its_matrix_library():
    ampere, hopper = fit(
        tiny("decoder"), [find_card("A100 80GB"), find_card("H100")], wanted=1, most=1
    )
    difference = hopper.as_published.peak_reserved_bytes - ampere.as_published.peak_reserved_bytes
    assert difference > 20 * MIB


class Known(Needs):
    """Needs so many bytes for each batch, at least; some of it is lost to fragmentation."""

    def __init__(self, allocated, lost):
        super().__init__(tiny("decoder"))
        self._allocated, self._lost = allocated, lost

    def of(self, batch_size):
        needed = self._allocated[batch_size - 1]
        if batch_size not in self._known:
            self._known[batch_size] = SimpleNamespace(
                fits=lambda capacity: needed <= capacity, middle_bytes=needed + self._lost
            )
        return self._known[batch_size]


@given(
    increments=st.lists(st.integers(0, 1000), min_size=16, max_size=16),
    lost=st.integers(-500, 500),
    capacity=st.integers(0, 17_000),
    most=st.integers(1, 16),
)
def test_the_search_finds_the_largest_batch_whatever_the_needs(increments, lost, capacity, most):
    allocated = [sum(increments[: count + 1]) for count in range(16)]
    largest = max((n for n in range(1, most + 1) if allocated[n - 1] <= capacity), default=0)
    assert Known(allocated, lost).largest_batch(capacity, most) == largest

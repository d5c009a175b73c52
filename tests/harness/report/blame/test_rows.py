"""Few rows that show nearly everything and lose nothing."""

import pytest
from hypothesis import given
from synthetic_blames import ENCODER, any_blame, blamed, parallel_blame, serial_blame
from synthetic_records import GIB

from samfit import blame
from samfit.harness.record.cell import Cell
from samfit.harness.report.blame.rows import LEAST, MOST_ROWS, few_rows
from samfit.harness.trace.trace import FROZEN, SAVED, TEMPORARIES


@given(any_blame)
def test_rows_sum_to_the_peak_and_are_few(blame):
    rows = few_rows([blame])
    assert sum(row.weight for row in rows) == blame.peak_bytes
    assert 1 <= len(rows) <= MOST_ROWS
    for row in rows:
        assert not row.members or sum(row.members) == row.weight


@given(any_blame, any_blame)
def test_rows_of_two_sum_to_both_peaks(one, other):
    rows = few_rows([one, other])
    assert len(rows) <= MOST_ROWS
    assert [sum(row.nbytes[i] for row in rows) for i in (0, 1)] == [
        one.peak_bytes, other.peak_bytes,
    ]  # fmt: skip


@given(any_blame)
def test_rows_of_a_blame_against_itself_have_nothing_to_say(blame):
    (row,) = few_rows([blame, blame])
    assert (row.module, row.weight) == ("other", 0)


def test_like_modules_share_a_row_and_a_single_one_keeps_its_name():
    first, second, *_ = few_rows([serial_blame()])
    assert (first.module, first.category) == (f"{ENCODER}.blocks.*.attn", SAVED)
    assert (len(first.members), min(first.members), max(first.members)) == (12, GIB, 4 * GIB)
    assert (second.module, second.category) == (f"{ENCODER}.blocks.11.attn", TEMPORARIES)


def test_what_is_small_is_counted_with_its_parent():
    parts = [(f"{ENCODER}.blocks.{i}.{part}", SAVED, 1000) for i in range(3) for part in "abc"]
    rows = few_rows([blamed(*parts, (f"{ENCODER}.blocks.0", SAVED, 500_000))])
    assert [(row.module, row.weight) for row in rows] == [(f"{ENCODER}.blocks.*", 509_000)]


def test_the_largest_rows_come_first_and_the_rest_of_all_last():
    weights = [row.weight for row in few_rows([serial_blame()])]
    assert weights[:-1] == sorted(weights[:-1], reverse=True)
    assert few_rows([serial_blame()])[-1].module == "other"
    differences = [abs(row.weight) for row in few_rows([parallel_blame(), serial_blame()])[:-1]]
    assert differences == sorted(differences, reverse=True)


@pytest.mark.parametrize("adapter", ["full", "lst", "conv_lora", "decoder"])
def test_rows_of_real_steps_show_nearly_everything(adapter):
    found = blame(Cell(adapter=adapter, backbone="vit_tiny"))
    rows = few_rows([found])
    shown = sum(row.weight for row in rows if row.module != "other")
    assert shown >= LEAST * found.peak_bytes


def test_frozen_weights_of_all_parts_are_one_row():
    weights = [(f"sam.part_{i}.layer", FROZEN, 10) for i in range(60)]
    rows = few_rows([blamed(*weights, ("", SAVED, 10_000))])
    assert [(row.module, row.weight) for row in rows] == [("", 10_000), ("sam", 600)]

"""What a report of a program says of itself."""

from dataclasses import replace

import pytest
from synthetic_programs import exhausted, fitting, on_card, on_two_cards
from synthetic_records import GIB
from user_error import user_error

from samfit.harness.program.figures import in_words, spare_bytes
from samfit.harness.trace.trace import ROUNDING


def test_holders_sum_to_the_peak_with_what_the_allocator_rounded():
    card = on_card()
    assert sum(holder.nbytes for holder in card.holders) == card.peak.allocated_bytes
    assert ("", ROUNDING, GIB // 4) in card.holders
    exact = replace(card, breakdown_bytes={**card.breakdown_bytes, ROUNDING: 0})
    assert all(holder.category != ROUNDING for holder in exact.holders)


def test_the_peak_is_that_of_the_fullest_card():
    report = on_two_cards()
    assert report.largest.rank == 1
    assert report.peak_allocated_bytes == report.cards[1].peak.allocated_bytes
    assert report.peak_reserved_bytes == report.cards[1].peak.reserved_bytes


def test_a_budget_is_kept_to_the_byte():
    report = fitting()
    report.assert_at_most("10 GiB")
    with pytest.raises(AssertionError, match=r"0\.00 MiB more than the budget, in backward"):
        report.assert_at_most(10 * GIB - 1)
    with pytest.raises(AssertionError, match=r"ran out of memory\."):
        exhausted().assert_at_most("80 GiB")
    with user_error("memory 'ten' is not a size"):
        report.assert_at_most("ten")


def test_without_a_card_there_is_no_figure():
    report = fitting(verdict="not judged", cards=[], message="train.py ended.")
    assert (report.exit_code, report.peak_allocated_bytes) == (2, 0)
    with user_error("train.py ended."):
        _ = report.largest


def test_what_is_left_is_left_by_all_processes_of_a_card():
    one, other = on_two_cards().cards
    assert spare_bytes([one], 20 * GIB) == 9 * GIB
    assert spare_bytes([one, other], 20 * GIB) == 20 * GIB - other.peak.reserved_bytes
    shared = replace(other, device=one.device)
    left = 20 * GIB - one.peak.reserved_bytes - other.process_bytes
    assert spare_bytes([one, shared], 20 * GIB) == left


def test_a_card_of_which_only_the_memory_is_known_is_called_one():
    assert in_words("RTX 3090") == "RTX 3090"
    assert in_words("9GiB") == "a card of 9GiB"

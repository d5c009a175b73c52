"""What is said of a program beside its figures."""

from dataclasses import replace

import pytest
from synthetic_programs import evaluating, exhausted, fitting, holding, on_card, on_two_cards, peak
from synthetic_records import GIB, MIB

from samfit.harness.program.advice import advice
from samfit.harness.trace.trace import FROZEN, OPTIMIZER


def words(report) -> str:
    """All of it; every sentence is one."""
    found = advice(report)
    for sentence in found:
        assert sentence[0].isupper() or sentence[0].isdigit()
        assert sentence.endswith((".", "?"))
    return " ".join(found)


def test_what_has_room_needs_no_advice():
    assert words(fitting()) == ""
    assert "6.00 GiB are activations" in words(fitting(usable_bytes=12 * GIB))
    assert "6.00 GiB are activations" in words(fitting(card=""))
    assert "6.00 GiB are activations" in words(exhausted())
    assert words(exhausted(cards=[])) == ""


@pytest.mark.parametrize(
    ("category", "said"),
    [(OPTIMIZER, "8.00 GiB are the optimizer's state"), (FROZEN, "Weights take much")],
)
def test_the_largest_part_is_what_to_save(category, said):
    found = words(exhausted(cards=[on_card(holding(category, "", "train.py:1", 8))]))
    assert said in found
    assert "activations" not in found


def test_fragments_are_named_where_they_are_large():
    card = on_card()
    assert "expandable_segments" not in words(exhausted())
    more = replace(card.peak, reserved_bytes=card.peak.allocated_bytes + 3 * GIB)
    assert "3.00 GiB are reserved beyond" in words(exhausted(cards=[replace(card, peak=more)]))


def test_an_evaluation_that_keeps_activations_is_named():
    report = evaluating()
    steps = [peak(4)]
    cards = [replace(report.largest, each_step=steps)]
    assert "Evaluation needs 10.00 GiB, more than the first training step (4.00 GiB)" in words(
        replace(report, cards=cards)
    )
    without = replace(cards[0], evaluation_with_graph=False)
    assert words(replace(report, cards=[without])) == ""


def test_memory_that_grows_from_step_to_step_is_named():
    card = on_card()
    each = [replace(card.peak, allocated_bytes=n * 100 * MIB) for n in (1, 2, 3)]
    assert "by 100 MiB" in words(fitting(cards=[replace(card, each_step=each)]))
    level = [each[0], each[1], each[1]]
    assert words(fitting(cards=[replace(card, each_step=level)])) == ""


def test_ranks_on_one_card_are_told():
    cards = on_two_cards().cards
    assert words(fitting(cards=cards)) == ""
    shared = [replace(each, device=0) for each in cards]
    assert "Did the program forget torch.cuda.set_device?" in words(fitting(cards=shared))

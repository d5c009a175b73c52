import pytest
from user_error import user_error

from samfit.harness.device.cards import unnamed_card
from samfit.harness.predict.everyone import fit_methods
from samfit.harness.record.cell import Cell

CARD = unnamed_card("2GiB")


def test_methods_are_searched_in_processes_of_their_own():
    cells = [Cell(adapter=name, backbone="vit_tiny") for name in ("lora", "decoder")]
    answers = [answer for found in fit_methods(cells, [CARD], 1, 2) for answer in found]
    assert {answer.adapter for answer in answers} == {"lora", "decoder"}
    assert all(answer.as_published.batch == "2+" for answer in answers)


@pytest.mark.parametrize("count", [1, 2])
def test_a_mistake_is_told_as_one(count):
    cells = [Cell(adapter="lora", backbone="vit_tiny", settings={"rnk": 4})] * count
    with user_error("lora", "rnk"):
        list(fit_methods(cells, [CARD], 1, 1))

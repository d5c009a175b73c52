import pytest
from user_error import user_error

from samfit import Cell, fit, fit_methods, unnamed_card

CARD = unnamed_card("2GiB")


def test_methods_are_searched_in_processes_of_their_own():
    cells = [Cell(adapter=name, backbone="vit_tiny") for name in ("lora", "decoder")]
    answers = {found[0].adapter: found for found in fit_methods(cells, [CARD], 1, 2)}
    assert answers == {cell.adapter: fit(cell, [CARD], 1, 2) for cell in cells}


@pytest.mark.parametrize("count", [1, 2])
def test_a_mistake_is_told_as_one(count):
    cells = [Cell(adapter="lora", backbone="vit_tiny", settings={"rnk": 4})] * count
    with user_error("lora", "rnk"):
        list(fit_methods(cells, [CARD], 1, 1))

import pytest
from user_error import user_error

from samfit import Cell, Task, Unsupported, fit, fit_methods, unnamed_card
from samfit.harness.run.worker import perform

CARD = unnamed_card("2GiB")


REFUSED = Cell(adapter="ssf", backbone="hf_vit_tiny", settings={"classes": 2}, loss="samed")


def test_methods_are_searched_in_processes_of_their_own_and_what_is_not_supported_is_said():
    cells = [Cell(adapter=name, backbone="vit_tiny") for name in ("lora", "decoder")]
    answers = list(fit_methods([*cells, REFUSED], [CARD], 1, 2))
    (refused,) = (found for found in answers if isinstance(found, Unsupported))
    assert refused.adapter == "ssf"
    assert "one a class" in refused.reason
    found = {one[0].adapter: one for one in answers if one is not refused}
    assert found == {cell.adapter: fit(cell, [CARD], 1, 2) for cell in cells}


def test_a_task_that_is_not_supported_says_so_in_its_answer():
    answer = perform(Task("predict", REFUSED).to_json())
    assert answer["status"] == "unsupported"
    assert answer["failed"].startswith("ssf cannot be used with transformers' SamModel:")


@pytest.mark.parametrize("count", [1, 2])
def test_a_mistake_is_told_as_one(count):
    cells = [Cell(adapter="lora", backbone="vit_tiny", settings={"rnk": 4})] * count
    with user_error("lora", "rnk"):
        list(fit_methods(cells, [CARD], 1, 1))

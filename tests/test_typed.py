"""Objects from JSON: what has the right types comes through, all else is named in one sentence."""

from dataclasses import dataclass, field

import pytest
from user_error import user_error

from samfit import UserError
from samfit.typed import Count, Positive, Typed, checked, option


@dataclass(frozen=True, kw_only=True)
class Slot(Typed):
    number: Count

    def __post_init__(self):
        if self.number >= 8:
            raise UserError("there are eight slots.")


@dataclass(frozen=True, kw_only=True)
class Card(Typed):
    cores: Count
    price: Positive | None = None
    names: list[str]
    slot: Slot | None = None


@checked
@dataclass(frozen=True, kw_only=True)
class Plan(Typed):
    """What to do."""

    cards: list[str] = field(default_factory=list)
    most_steps: int = option(9, "Steps at most.", ge=1)


def test_what_is_left_out_has_its_default():
    assert Card.from_json({"cores": 3, "names": ["one"]}) == Card(cores=3, names=["one"])


def test_a_whole_number_is_a_number():
    assert Card.from_json({"cores": 3, "names": [], "price": 7}).price == 7


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"cores": 3.0}, "'cores' must be a whole number, got 3.0."),
        ({"cores": 2**63}, "'cores' must be less than 9223372036854775808, got"),
        ({"cores": -1}, "'cores' must be at least 0, got -1."),
        ({"price": 0}, "'price' must be more than 0, got 0."),
        ({"price": float("inf")}, "'price' must be a finite number, got inf."),
        ({"names": ["one", 2]}, "'names.1' must be text, got 2."),
        ({"name": "one"}, "the Card has no field 'name': did you mean 'names'?"),
        ({"slot": {"number": "one"}}, "'slot.number' must be a whole number, got 'one'."),
        ({"slot": {"number": 1, "row": 1}}, "'slot' has no field 'row': leave it out."),
        ({"slot": {}}, "'slot' needs the field 'number'."),
        ({"slot": {"number": 8}}, "'slot': there are eight slots."),
        ({"price": "x" * 999}, "'price' must be a number, got 'xxxxxxx"),
    ],
)
def test_a_wrong_value_is_named_in_one_short_sentence(change, sentence):
    with user_error(sentence):
        Card.from_json({"cores": 3, "names": ["one"], **change})


@pytest.mark.parametrize("document", [None, [], "card", 3])
def test_something_else_is_named(document):
    with user_error(f"the Card must be an object, got {document!r}."):
        Card.from_json(document)


def test_a_line_break_in_a_name_stays_out_of_the_sentence():
    with user_error("'a\\nb'"):
        Card.from_json({"cores": 3, "names": [], "a\nb": 1})


def test_what_is_built_by_hand_is_checked_and_names_the_option():
    assert Plan(most_steps=3) == Plan.from_json({"most_steps": 3})
    with user_error("--most-steps must be at least 1, got 0."):
        Plan(most_steps=0)
    with user_error("'cards' must be a list, got 3."):
        Plan(cards=3)
    with user_error("the Plan has no field 'most_step': did you mean 'most_steps'?"):
        Plan(most_step=3)

"""Objects from JSON: what has the right types comes through, all else is named in one sentence."""

from dataclasses import dataclass

import pytest

from samfit.typed import Count, Positive, Typed, read


@dataclass(frozen=True, kw_only=True)
class Card(Typed):
    cores: Count
    price: Positive | None = None
    names: list[str]


def test_what_is_left_out_has_its_default():
    assert read(Card, {"cores": 3, "names": ["one"]}) == Card(cores=3, names=["one"])


def test_a_whole_number_is_a_number():
    assert read(Card, {"cores": 3, "names": [], "price": 7}).price == 7


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"cores": "3"}, "cores"),
        ({"cores": 3.0}, "cores"),
        ({"cores": 2**63}, "cores"),
        ({"cores": -1}, "cores"),
        ({"price": 0}, "price"),
        ({"price": float("inf")}, "price"),
        ({"names": ["one", 2]}, "names.1"),
        ({"name": "one"}, "name"),
    ],
)
def test_a_wrong_value_is_named(change, name):
    with pytest.raises(ValueError, match=f"'{name}': "):
        read(Card, {"cores": 3, "names": ["one"], **change})


@pytest.mark.parametrize("document", [None, [], "card", 3])
def test_something_else_is_named(document):
    with pytest.raises(ValueError, match="'all of it': "):
        read(Card, document)


def test_a_line_break_in_a_name_stays_out_of_the_sentence():
    with pytest.raises(ValueError) as caught:
        read(Card, {"cores": 3, "names": [], "a\nb": 1})
    assert "\n" not in str(caught.value)

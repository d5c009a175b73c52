from dataclasses import dataclass
from typing import Literal

import pytest
from hypothesis import given, strategies as st
from user_error import user_error

import samfit
from samfit.adapters.core.registry import adapter_class
from samfit.adapters.core.settings import Positive, Share, changed_settings, parse_settings


@dataclass(frozen=True, kw_only=True)
class Example:
    rank: Positive = 4
    shift: int = 0
    scale: float = 0.5
    share: Share = 0.25
    fused: bool = False
    blocks: str = ""
    variant: Literal["official", "cad"] = "official"
    scales: tuple[Positive, ...] = (1, 2)
    parts: tuple[Literal["q", "v"], ...] = ("q",)


def parse(**given):
    return parse_settings(Example, "example", given)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("rank", "8", 8),
        ("shift", "-3", -3),
        ("scale", "1e-2", 0.01),
        ("scale", "2", 2.0),
        ("share", "1", 1.0),
        ("fused", "true", True),
        ("fused", "False", False),
        ("variant", "cad", "cad"),
        ("scales", "4", (4,)),
        ("scales", "1, 2,2", (1, 2, 2)),
        ("parts", "v,q", ("v", "q")),
    ],
)
def test_text_becomes_the_type_of_the_setting(name, text, value):
    parsed = getattr(parse(**{name: text}), name)
    assert (parsed, type(parsed)) == (value, type(value))
    assert parse(**{name: value}) == parse(**{name: text})


def test_nothing_given_leaves_the_defaults():
    assert parse() == Example()
    assert changed_settings(parse()) == {}


def test_a_whole_number_is_text_where_text_is_wanted():
    assert parse(blocks=11) == parse(blocks="11") == Example(blocks="11")
    for no_text in (True, 1.5, None):
        with user_error("blocks", "text"):
            parse(blocks=no_text)


@given(rank=st.integers(1, 65536), scale=st.floats(allow_nan=False, allow_infinity=False))
def test_changed_settings_give_the_same_settings_back(rank, scale):
    settings = parse(rank=rank, scale=scale)
    assert parse(**changed_settings(settings)) == settings
    assert parse(rank=str(rank), scale=str(scale)) == settings


def test_changed_settings_are_json_values():
    assert changed_settings(parse(scales="1,2", parts="v")) == {"parts": ["v"]}


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("rank", "many", "rank must be a whole number"),
        ("rank", 2.5, "rank must be a whole number"),
        ("rank", True, "rank must be a whole number"),
        ("rank", "0", "rank must be at least 1"),
        ("shift", float("inf"), "shift must be a whole number"),
        ("scale", "nan", "scale must be a finite number"),
        ("share", "1.5", "share must be at most 1"),
        ("fused", "perhaps", "fused must be true or false"),
        ("variant", "paper", "variant must be 'official' or 'cad'"),
        ("parts", ["q", "q"], "parts must be a list of different values"),
        ("parts", "q,q", "parts must be a list of different values"),
        ("scales", [], "scales must be a list of different values"),
    ],
)
def test_a_wrong_value_names_the_setting_and_what_is_allowed(name, value, wanted):
    with user_error(f"example: setting {wanted}, got {value!r}."):
        parse(**{name: value})


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("scales", "1,0", "scales: each value must be at least 1, got '0'."),
        ("scales", [1, 2.5], "scales: each value must be a whole number, got 2.5."),
        ("scales", "", "scales: each value must be a whole number, got ''."),
        ("scales", "1,x", "scales: each value must be a whole number, got 'x'."),
        ("parts", "q,k", "parts: each value must be 'q' or 'v', got 'k'."),
    ],
)
def test_the_wrong_value_of_a_list_is_named(name, value, wanted):
    with user_error(f"example: setting {wanted}"):
        parse(**{name: value})


def test_an_unknown_setting_suggests_the_nearest_or_lists_all():
    with user_error("example", "'rnak'", "'rank'"):
        parse(rnak=8)
    with user_error("'zzzz'", "rank, shift, scale, share, fused, blocks, variant, scales, parts"):
        parse(zzzz=8)


def test_every_method_has_the_settings_that_all_share():
    names = set(vars(samfit.Settings()))
    assert names == {"decoder", "classes", "train_no_mask_embed", "train_prompt_encoder"}
    for method in samfit.adapter_names():
        assert names <= set(vars(adapter_class(method).Settings()))


def test_attach_reports_wrong_settings_too():
    with user_error("lora", "rank"):
        samfit.attach(None, "lora", rank="0")


@pytest.mark.parametrize("name", samfit.adapter_names())
def test_the_defaults_of_every_method_are_allowed(name):
    settings_class = adapter_class(name).Settings
    defaults = settings_class()
    assert parse_settings(settings_class, name, vars(defaults)) == defaults

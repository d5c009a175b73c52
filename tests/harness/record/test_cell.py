"""Cell: defaults, choices, JSON and the stable key."""

import dataclasses
import json

import pytest
from hypothesis import given, strategies as st
from user_error import user_error

from samfit import Cell, Recipe
from samfit.typed import option_texts

cells = st.builds(
    Cell,
    adapter=st.sampled_from(["cad", "lora", "a_foreign_one"]),
    settings=st.dictionaries(st.text(max_size=5), st.integers() | st.text(), max_size=3),
    backbone=st.sampled_from(["vit_tiny", "vit_b", "vit_l", "vit_h"]),
    image_size=st.sampled_from([0, 256, 512, 1024]),
    batch_size=st.integers(1, 64),
    phase=st.sampled_from(["train", "infer"]),
    device=st.sampled_from(["cuda", "cpu"]),
    seed=st.integers(0, 9),
    checkpoint=st.none() | st.text(min_size=1),
)  # fmt: skip


@given(cells)
def test_json_round_trip_keeps_cell_and_key(cell):
    again = Cell.from_json(json.loads(json.dumps(cell.to_json())))
    assert again == cell
    assert again.key == cell.key


@given(cells, cells)
def test_different_cells_have_different_keys(one, other):
    assert (one.key == other.key) == (one == other)


def test_key_is_stable():
    assert Cell(adapter="cad", batch_size=4).key == "cad-vit_b-b4-train-eb9f0b94"


def test_key_ignores_the_order_of_settings():
    one = Cell(adapter="x", settings={"a": 1, "b": 2})
    other = Cell(adapter="x", settings={"b": 2, "a": 1})
    assert one.key == other.key


def test_image_size_defaults_to_the_backbones():
    assert Cell(adapter="cad").image_size == 1024
    assert Cell(adapter="cad", backbone="vit_tiny").image_size == 256


def test_cells_are_immutable():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Cell(adapter="cad").batch_size = 2


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"batch_size": 0}, "--batch-size must be at least 1, got 0."),
        ({"batch_size": 10**12}, "--batch-size must be at most 65536"),
        ({"batch_size": 1.5}, "--batch-size must be a whole number, got 1.5."),
        ({"seed": 2**64}, "--seed must be at most 9223372036854775807"),
        ({"backbone": "vit_bb"}, "there is no backbone 'vit_bb': did you mean 'vit_b'?"),
        ({"backbone": 5}, "--backbone must be text, got 5."),
        ({"settings": "abc"}, "'settings' must be an object, got 'abc'."),
        ({"checkpoint": 7}, "--checkpoint must be text, got 7."),
        ({"phase": "test"}, "--phase must be 'train' or 'infer', got 'test'."),
        ({"image_size": 1000}, "--image-size must be a multiple of 16, as vit_b needs, from 32"),
        ({"image_size": 10**7}, "from 32 to 8192, got 10000000."),
        ({"compute_capability": "new"}, "--compute-capability must look like 8.0, got 'new'."),
        ({"image_size": 16}, "from 32 to 8192, got 16."),
        ({"recipe": {"epochs": 1}}, "'recipe' must be a Recipe, got {'epochs': 1}."),
        ({"prompt": "none", "prompts_per_image": 2}, "use --prompt box"),
    ],
)
def test_impossible_values_are_named(fields, sentence):
    with user_error(sentence):
        Cell(adapter="cad", **fields)


@pytest.mark.parametrize("kind", [Cell, Recipe])
def test_each_field_is_told_in_words_that_stand_alone(kind):
    for field in dataclasses.fields(kind):
        assert f"    {field.name}: " in kind.__doc__
    for text in option_texts(kind).values():
        assert text[0].isupper() and text.endswith(".")
        assert not text.startswith(("Of ", "As "))

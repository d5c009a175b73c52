"""Cell: defaults, choices, JSON and the stable key."""

import dataclasses
import json

import pytest
from hypothesis import given, strategies as st

from samfit.errors import UserError
from samfit.harness.record.cell import Cell

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
        ({"batch_size": 0}, "--batch-size must be a whole number from 1 to 65536, got 0."),
        ({"batch_size": 10**12}, "--batch-size must be a whole number from 1 to 65536"),
        ({"batch_size": 1.5}, "--batch-size must be a whole number, got 1.5."),
        ({"batch_size": True}, "--batch-size must be a whole number, got True."),
        ({"seed": 2**64}, "--seed must be a whole number from 0"),
        ({"backbone": "vit_bb"}, "there is no backbone 'vit_bb': did you mean 'vit_b'?"),
        ({"backbone": 5}, "--backbone must be a text, got 5."),
        ({"settings": "abc"}, "settings must be an object of hyper-parameters, got 'abc'."),
        ({"checkpoint": 7}, "--checkpoint must be a path, got 7."),
        ({"phase": "test"}, "--phase must be train or infer, got 'test'."),
        ({"phase": ["train"]}, "--phase must be train or infer"),
        ({"image_size": 1000}, "--image-size must be a multiple of 16"),
        ({"image_size": "512"}, "--image-size must be a whole number, got '512'."),
        ({"image_size": 10**7}, "--image-size must be a whole number from 32 to 8192"),
        ({"compute_capability": "new"}, "--compute-capability must look like 8.0, got 'new'."),
        ({"prompt": "none", "prompts_per_image": 2}, "use --prompt box"),
    ],
)
def test_impossible_values_are_named(fields, sentence):
    with pytest.raises(UserError) as error:
        Cell(adapter="cad", **fields)
    assert sentence in str(error.value)


def test_unknown_fields_are_named():
    with pytest.raises(UserError, match="no field 'bach_size'"):
        Cell.from_json({"adapter": "cad", "bach_size": 2})

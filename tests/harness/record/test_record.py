"""A record as JSON: it comes back equal, and one that cannot be right names its field."""

import json

import pytest
from synthetic_records import measured, on_cards, out_of_memory, predicted, scored

from samfit import Record, UserError

SCORED = scored(masks=(0, 2))


@pytest.mark.parametrize(
    "record",
    [predicted(), on_cards(predicted(), "RTX 3060"), measured(), out_of_memory(), SCORED],
    ids=["predicted", "on cards", "measured", "out of memory", "scored"],
)
def test_a_record_comes_back(record):
    assert Record.from_json(json.loads(json.dumps(record.to_json()))) == record


@pytest.mark.parametrize(
    ("record", "field", "value"),
    [
        (predicted(), "cell.batch_size", "4"),
        (predicted(), "status", "fine"),
        (predicted(), "cell", "0"),
        (predicted(), "memory", [1]),
        (predicted(), "timing", 2),
        (predicted(), "params", "0"),
        (predicted(), "memory.peak_allocated_bytes", "17"),
        (predicted(), "memory.peak_allocated_bytes", 17.5),
        (predicted(), "memory.peak_allocated_bytes", True),
        (predicted(), "memory.peak_allocated_bytes", -1),
        (predicted(), "memory.peak_allocated_bytes", 10**400),
        (predicted(), "memory.breakdown_bytes", [1, 2]),
        (predicted(), "memory.timeline.live_bytes", [1, None]),
        (predicted(), "params.trainable", None),
        (predicted(), "method.serial", "no"),
        (measured(), "timing.step_ms.median", 0),
        (measured(), "timing.step_ms.median", float("nan")),
        (measured(), "timing.step_ms.p10", 1e9),
        (measured(), "timing.samples_ms", "quick"),
        (SCORED, "accuracy.scores", {"iou": [0.5]}),
        (predicted(), "environment.packages", 3),
        (predicted(), "environment.cpu", ["two"]),
    ],
)
def test_a_value_that_cannot_be_right_names_its_field(record, field, value):
    document = json.loads(json.dumps(record.to_json()))
    *path, name = field.split(".")
    part = document
    for step in path:
        part = part[step]
    part[name] = value
    with pytest.raises(UserError) as caught:
        Record.from_json(document)
    assert field.split(".")[0] in str(caught.value)
    assert name in str(caught.value).replace("-", "_") and "\n" not in str(caught.value)


@pytest.mark.parametrize("part", ["", "cell", "memory", "timing", "environment"])
def test_an_unknown_field_is_named(part):
    document = predicted().to_json()
    (document[part] if part else document)["bach_size"] = 4
    with pytest.raises(UserError, match="bach_size"):
        Record.from_json(document)

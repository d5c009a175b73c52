"""Scores of a Cell on its task, as a record."""

import base64
import io
import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from tiny_task import tiny_cell, tiny_data, write_checkpoint
from user_error import user_error

from samfit.harness.record.recipe import Recipe
from samfit.harness.record.record import Record
from samfit.harness.run.task import Task
from samfit.harness.train import score as room, training
from samfit.harness.train.score import SHOWN, score

RECIPE = Recipe(epochs=2, learning_rate=1e-3)


@pytest.fixture(autouse=True, scope="module")
def tiny_tasks():
    """Stands small data in for the tasks: ``camouflage`` is binary, ``road`` has three classes."""
    classes = {"camouflage": 1, "road": 3}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            room, "miniature", lambda name: tiny_data(4, val=2, test=5, classes=classes[name])
        )
        yield


@pytest.fixture(scope="module")
def cell(tmp_path_factory):
    path = tmp_path_factory.mktemp("sam") / "tiny.safetensors"
    write_checkpoint(path)
    return tiny_cell("cad", task="camouflage", recipe=RECIPE, checkpoint=str(path))


@pytest.fixture(scope="module")
def record(cell, tiny_tasks):
    return score(cell)


def test_the_record_is_complete_and_answers_its_task(record, cell):
    assert (record.status, record.source) == ("ok", "measured-cpu")
    assert record.cell is cell
    assert record.key == Task("score", cell).key
    assert record.params.trainable == record.params.adapter + record.params.mask_decoder
    assert record.method.title == "CAD"
    assert record.environment["checkpoint_sha256"]
    assert record.duration_ms > record.accuracy.train_ms > 0
    assert record.traced == "4 training steps, then 5 test images"


def test_the_accuracy_is_that_of_the_test_images(record):
    accuracy = record.accuracy
    assert (accuracy.classes, accuracy.train_images, accuracy.test_images) == (1, 4, 5)
    assert len(accuracy.losses) == 4
    value, low, high = accuracy.scores["iou"]
    assert low <= value <= high
    assert value == pytest.approx(np.mean(accuracy.per_image["iou"]), abs=1e-5)
    assert all(len(scores) == 5 for scores in accuracy.per_image.values())
    assert len(accuracy.masks_png) == SHOWN
    for text in accuracy.masks_png:
        assert Image.open(io.BytesIO(base64.b64decode(text))).size == (64, 64)


def test_the_record_survives_json(record):
    document = json.loads(json.dumps(record.to_json(), allow_nan=False))
    assert document["key"] == record.key
    assert Record.from_json(document) == record


def test_a_class_that_an_image_has_not_is_none(cell):
    record = score(replace(cell, settings={"classes": 9}, loss="samed", task="road"))
    json.dumps(record.to_json(), allow_nan=False)
    of_classes = [record.accuracy.per_image[f"iou_class_{index}"] for index in range(9)]
    assert any(None in scores for scores in of_classes)
    assert record.accuracy.classes == 3
    assert "miou" in record.accuracy.scores


def test_the_same_cell_scores_the_same_twice_and_another_seed_otherwise(record, cell):
    again, other = score(cell), score(replace(cell, seed=1))
    assert again.accuracy.losses == record.accuracy.losses != other.accuracy.losses
    assert again.accuracy.scores == record.accuracy.scores


def test_without_an_epoch_the_weights_are_scored_as_they_are(cell):
    record = score(replace(cell, recipe=replace(RECIPE, epochs=0)))
    assert record.accuracy.losses == []
    assert record.accuracy.scores["iou"]


def test_nothing_is_chosen_by_looking_at_other_images(cell, monkeypatch):
    def refuse(*_):
        raise AssertionError("validated")

    monkeypatch.setattr(training, "score_masks", refuse)
    assert score(cell).accuracy.test_images == 5


@pytest.mark.parametrize("missing", [{"task": ""}, {"recipe": None}])
def test_a_cell_without_task_or_recipe_is_refused(missing, cell):
    with user_error("accuracy needs a task and a recipe"):
        score(replace(cell, **missing))

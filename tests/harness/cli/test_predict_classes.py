"""Memory of what only training on data needs: classes, and prompts from masks."""

import json

import pytest

TINY = ("--backbone", "vit_tiny", "--image-size", "64", "--batch-size", "2", "--json")


@pytest.fixture
def predict(samfit):
    def run(*arguments):
        code, out, _ = samfit("predict", *arguments, *TINY)
        record = json.loads(out)
        assert code in (None, 0)
        assert record["status"] == "ok"
        return record

    return run


@pytest.mark.parametrize("adapter", ["decoder", "conv_lora"])
def test_classes(predict, adapter):
    one = predict(adapter)
    several = predict(adapter, "--set", "classes=3", "--loss", "samed")
    assert several["cell"]["settings"] == {"classes": 3}
    assert several["params"]["trainable"] != one["params"]["trainable"]
    assert several["memory"]["peak_allocated_bytes"] > 0


@pytest.mark.parametrize("phase", ["train", "infer"])
def test_prompts_from_masks(predict, phase):
    def peak(prompt):
        record = predict("lora", "--prompt", prompt, "--phase", phase)
        return record["memory"]["peak_allocated_bytes"]

    assert peak("mask_box") == peak("box")
    assert peak("points") >= peak("none") > 0


def test_classes_need_their_loss(mistake):
    sentence = mistake("predict", "cad", "--set", "classes=3", *TINY)
    assert "--loss cad is not for 3 classes: choose samed." in sentence

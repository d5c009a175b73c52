"""Which scored records are compared, and in which order."""

from dataclasses import replace

import pytest
from synthetic_records import ENVIRONMENT, predicted, scored

from samfit.harness.record.weights import RANDOM_ENCODER
from samfit.harness.report.accuracy.scored import PRETRAINED, RANDOM, scored_methods, training_step

TASKS = ("camouflage", "polyp", "transparent")
PREDICTION = predicted("cad", 4, 0.1, backbone="vit_tiny")


def labels(found):
    return [one.series.label for one in found]


def on_all_tasks(adapter, score, seed=0, **given):
    return [scored(adapter, task, seed, score, **given) for task in TASKS]


def test_the_best_method_comes_first_and_baselines_stand_apart():
    found = scored_methods([
        *on_all_tasks("decoder", 0.4),
        *on_all_tasks("lora", 0.6),
        *on_all_tasks("decoder", 0.9, checkpoint=RANDOM_ENCODER),
        *on_all_tasks("decoder", 0.8, epochs=0),
    ])  # fmt: skip
    assert found.tasks == TASKS
    assert labels(found.methods) == ["Lora", "Decoder"]
    assert labels(found.baselines) == [PRETRAINED, RANDOM]
    longer = scored_methods([*on_all_tasks("cad", 0.5, epochs=8), scored("decoder", epochs=0)])
    assert labels(longer.baselines) == [PRETRAINED], "it belongs to training of any length"


def test_tasks_have_one_order_and_one_of_a_baseline_or_of_another_samfit_does_not_count():
    unknown = scored("lora")
    unknown = replace(unknown, cell=replace(unknown.cell, task="sewing"))
    records = [*on_all_tasks("cad", 0.5), scored("decoder", "road", epochs=0), unknown]
    assert scored_methods(records[::-1]).tasks == scored_methods(records).tasks == TASKS
    assert scored_methods([unknown]) is None


def test_a_method_that_lacks_a_task_comes_last_and_has_no_mean():
    found = scored_methods([*on_all_tasks("cad", 0.3), scored("lora", "polyp", score=0.9)])
    cad, lora = found.methods
    assert cad.scores(TASKS) == [pytest.approx(0.3)]
    assert lora.scores(TASKS) == []
    assert lora.scores(["polyp"]) == [0.9]


def test_the_mean_over_tasks_is_taken_of_seeds_that_have_all_of_them():
    records = [*on_all_tasks("cad", 0.3), *on_all_tasks("cad", 0.6, 1), scored(seed=2, score=0.9)]
    [cad] = scored_methods(records).methods
    assert cad.scores(TASKS) == [pytest.approx(0.3), pytest.approx(0.6)]
    assert cad.scores(["camouflage"]) == [0.3, 0.6, 0.9]


def test_several_classes_are_scored_by_their_own_metric():
    [cad] = scored_methods([scored(task="transparent", score=0.7)]).methods
    assert cad.scores(["transparent"]) == cad.scores(["transparent"], "miou") == [0.7]


def test_machines_never_mix_the_one_with_most_scores_is_shown():
    other = {**ENVIRONMENT, "cpu": "Other CPU"}
    elsewhere = [replace(one, environment=other) for one in on_all_tasks("lora", 0.9)]
    found = scored_methods([*on_all_tasks("cad", 0.5)[:2], *elsewhere])
    assert labels(found.methods) == ["Lora"]
    [cad] = scored_methods([*on_all_tasks("cad", 0.5), *elsewhere[:2]]).methods
    assert cad.series.label == "Cad"


@pytest.mark.parametrize(
    "difference",
    [{"epochs": 8}, {"batch_size": 2}, {"precision": "bf16"}, {"checkpoint": "sam_vit_b.pth"}],
    ids=str,
)
def test_what_was_trained_otherwise_does_not_mix_either(difference):
    others = on_all_tasks("lora", 0.6, **difference)[:2]
    found = scored_methods([*on_all_tasks("cad", 0.5), *others])
    assert labels(found.methods) == ["Cad"]


def test_a_variant_is_named_by_its_settings_but_not_by_the_classes_of_a_task():
    records = [*on_all_tasks("lora", 0.5), scored("lora", settings={"rank": 8}, score=0.6)]
    assert labels(scored_methods(records).methods) == ["Lora", "Lora (rank=8)"]


def test_failed_trainings_are_kept_apart_and_are_no_methods():
    failed = replace(scored("vpt"), status="error", accuracy=None, method=None)
    found = scored_methods([*on_all_tasks("cad", 0.5), failed])
    assert labels(found.methods) == ["Cad"]
    assert found.failed == (failed,)
    for records in ([], [PREDICTION], [failed], [scored("decoder", epochs=0)]):
        assert scored_methods(records) is None


def test_training_time_is_the_median_over_tasks_and_seeds():
    records = [scored(seed=seed, train_s=seconds) for seed, seconds in enumerate((10, 20, 90))]
    assert scored_methods(records).methods[0].train_s() == 20


def test_memory_is_that_of_the_very_same_step():
    trained = on_all_tasks("cad", 0.5, batch_size=4)
    others = [
        predicted("cad", 8, backbone="vit_tiny"),
        predicted("cad", 4, backbone="vit_b"),
        predicted("cad", 4, backbone="vit_tiny", attention="sdpa"),
        predicted("cad", 4, backbone="vit_tiny", phase="infer"),
        predicted("cad", 4, backbone="vit_tiny", device="cpu"),
        predicted("lora", 4, backbone="vit_tiny"),
        replace(PREDICTION, memory=None, status="error"),
    ]
    newer = replace(PREDICTION, cell=replace(PREDICTION.cell, compute_capability="9.0"))
    for match in ([], [PREDICTION], [newer]):
        [cad] = scored_methods([*trained, *others, *match]).methods
        assert cad.prediction is (match[0] if match else None)
    variant = scored(task="transparent", settings={"classes": 3, "width": 8})
    assert training_step(variant.cell).settings == {"width": 8}

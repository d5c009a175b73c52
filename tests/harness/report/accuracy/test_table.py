"""Scores as tables, what their captions say, and that they disturb no other table."""

from dataclasses import replace

import pytest
from readable import made
from synthetic_records import measured, predicted, scored

from samfit.harness.record.weights import RANDOM_ENCODER
from samfit.harness.report.accuracy.table import metrics_table, score_text, tasks_table
from samfit.harness.report.memory.table import memory_table
from samfit.harness.report.throughput.table import throughput_table
from samfit.harness.report.write import report_tables

SWEEP = [
    *(
        scored(adapter, task, seed, score + 0.01 * seed)
        for adapter, score in (("cad", 0.5), ("lora", 0.6))
        for task in ("camouflage", "transparent")
        for seed in range(3)
    ),
    *(scored("decoder", task, score=0.2, epochs=0) for task in ("camouflage", "transparent")),
    scored("decoder", score=0.3, checkpoint=RANDOM_ENCODER),
]


def test_mean_and_sample_standard_deviation():
    assert score_text([0.5, 0.52, 0.54]) == "0.520 ± 0.020"
    assert score_text([0.5]) == "0.500"
    assert score_text([]) == "–"


def test_methods_against_tasks():
    assert made(tasks_table, SWEEP).frame.to_dict("records") == [
        {"method": "Lora", "Camouflage": "0.610 ± 0.010",
         "Transparent objects (mIoU)": "0.610 ± 0.010", "mean": "0.610 ± 0.010"},
        {"method": "Cad", "Camouflage": "0.510 ± 0.010",
         "Transparent objects (mIoU)": "0.510 ± 0.010", "mean": "0.510 ± 0.010"},
        {"method": "baselines:", "Camouflage": "", "Transparent objects (mIoU)": "", "mean": ""},
        {"method": "without adaptation", "Camouflage": "0.200",
         "Transparent objects (mIoU)": "0.200", "mean": "0.200"},
        {"method": "decoder only, random encoder", "Camouflage": "0.300",
         "Transparent objects (mIoU)": "–", "mean": "–"},
    ]  # fmt: skip


def test_other_metrics_are_averaged_over_binary_tasks():
    by_metric = made(metrics_table, SWEEP)
    assert list(by_metric.frame) == ["method", "Dice↑", "MAE↓", "Sα↑", "Eφ↑", "Fβʷ↑", "BER↓"]
    scores = ["0.610 ± 0.010", "0.510 ± 0.010", "", "0.200", "0.300"]
    assert list(by_metric.frame["MAE↓"]) == scores
    assert by_metric.caption.startswith("Camouflage; mean")
    assert made(metrics_table, [scored(task="transparent")]) is None


def test_the_caption_says_what_the_scores_rest_on():
    caption = made(tasks_table, SWEEP).caption
    for part in (
        "IoU (mIoU of several classes)", "generated", "nothing about SAM on photographs",
        "measured on Imaginary CPU with 2 threads", "vit_tiny", "256 × 256", "cad loss",
        "samed loss on Transparent objects", "96 steps of 4 images (4 epochs)",
        "learning rate 0.001, cosine decay after 10 steps of warm-up",
        "gradients clipped at norm 1", "no augmentation", "96 training and 48 test images",
        "seeds 0, 1 and 2", "2020-02-02", "samfit 9.8", "may be chance",
    ):  # fmt: skip
        assert part in caption


def test_of_one_task_and_one_seed_no_spread_and_no_mean_are_claimed():
    records = [scored("cad"), scored("lora")]
    by_task, by_metric = made(tasks_table, records), made(metrics_table, records)
    assert list(by_task.frame) == ["method", "Camouflage"]
    assert "with one seed" in by_task.caption
    for words in ("deviation", "mean is over", "Baselines"):
        assert words not in by_task.caption
    assert "deviation" not in by_metric.caption


def test_failures_are_counted():
    failed = [replace(scored("vpt", seed=n), status="error", accuracy=None) for n in range(2)]
    assert "2 trainings gave no score (vpt)" in made(tasks_table, [*SWEEP, *failed]).caption


def test_without_scores_there_is_no_table():
    assert made(tasks_table, [predicted(), measured()]) is None
    assert len(report_tables([predicted()])) == 1
    assert len(report_tables([predicted(), *SWEEP])) == 3


@pytest.mark.parametrize("failed", [False, True])
def test_scored_records_leave_other_tables_as_they_are(failed):
    here = {"source": "measured-cpu", "environment": SWEEP[0].environment}
    timed = [
        replace(measured(adapter, 4, speed, backbone="vit_tiny", device="cpu"), **here)
        for adapter, speed in (("cad", 3), ("lora", 5))
    ]
    sweep = [replace(r, status="error", accuracy=None) for r in SWEEP] if failed else SWEEP
    alone, together = [predicted(), *timed], [*sweep, predicted(), *timed, *sweep]
    for table in (memory_table, throughput_table):
        assert made(table, together).to_markdown() == made(table, alone).to_markdown()

"""Scores as tables, what their captions say, and that they disturb no other table."""

import io
from dataclasses import replace

import pandas as pd
import pytest
from rich.console import Console
from synthetic_records import measured, predicted, scored

from samfit.harness.record.weights import RANDOM_ENCODER
from samfit.harness.report.accuracy.table import accuracy_tables, score_text
from samfit.harness.report.kit.tables import (
    cells_table,
    memory_table,
    terminal_table,
    throughput_table,
)
from samfit.harness.report.write import captioned_tables

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
    by_task, _ = accuracy_tables(SWEEP)
    assert by_task.frame.to_dict("records") == [
        {"method": "Lora", "Camouflage": "0.610 ± 0.010",
         "Transparent objects (mIoU)": "0.610 ± 0.010", "mean": "0.610 ± 0.010"},
        {"method": "Cad", "Camouflage": "0.510 ± 0.010",
         "Transparent objects (mIoU)": "0.510 ± 0.010", "mean": "0.510 ± 0.010"},
        {"method": "yardsticks:", "Camouflage": "", "Transparent objects (mIoU)": "", "mean": ""},
        {"method": "without adaptation", "Camouflage": "0.200",
         "Transparent objects (mIoU)": "0.200", "mean": "0.200"},
        {"method": "decoder only, random encoder", "Camouflage": "0.300",
         "Transparent objects (mIoU)": "–", "mean": "–"},
    ]  # fmt: skip


def test_other_metrics_are_averaged_over_binary_tasks():
    _, by_metric = accuracy_tables(SWEEP)
    assert list(by_metric.frame) == ["method", "Dice↑", "MAE↓", "Sα↑", "Eφ↑", "Fβʷ↑", "BER↓"]
    assert list(by_metric.frame["MAE↓"]) == [
        "0.610 ± 0.010",
        "0.510 ± 0.010",
        "",
        "0.200",
        "0.300",
    ]
    assert by_metric.caption.startswith("Camouflage; mean")
    assert len(accuracy_tables([scored(task="transparent")])) == 1


def test_the_caption_says_what_the_scores_rest_on():
    caption = accuracy_tables(SWEEP)[0].caption
    for part in (
        "IoU (mIoU of several classes)", "generated", "nothing about the accuracy of SAM itself",
        "measured on Imaginary CPU with 2 threads", "vit_tiny", "256 × 256", "cad loss",
        "samed loss on Transparent objects", "96 steps of 4 images (4 epochs)",
        "learning rate 0.001, falling as half a cosine after 10 steps of warm-up",
        "gradients clipped at norm 1", "no augmentation", "96 images to train on and 48 to score",
        "seeds 0, 1 and 2", "2020-02-02", "samfit 9.8", "cannot show",
    ):  # fmt: skip
        assert part in caption


def test_of_one_task_and_one_seed_no_spread_and_no_mean_are_claimed():
    by_task, by_metric = accuracy_tables([scored("cad"), scored("lora")])
    assert list(by_task.frame) == ["method", "Camouflage"]
    assert "nothing can be said" in by_task.caption
    for words in ("deviation", "mean over", "Yardsticks"):
        assert words not in by_task.caption
    assert "deviation" not in by_metric.caption


@pytest.mark.parametrize("width", [80, 120, 200])
def test_a_terminal_of_any_width_shows_every_name_and_figure(width):
    tasks = ("camouflage", "shadow", "polyp", "lesion", "leaf_disease", "road", "transparent")
    records = [
        scored(a, t, s, 0.5 + 0.1 * s) for a in ("cad", "lora") for t in tasks for s in (0, 1)
    ]
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(terminal_table(*accuracy_tables(records)[0]))
    text = console.export_text()
    assert max(map(len, text.splitlines())) <= width
    for word, count in (("Cad", 1), ("Lora", 1), ("0.550", 16), ("0.071", 16)):
        assert text.count(word) == count


def test_failures_are_counted():
    failed = [replace(scored("vpt", seed=n), status="error", accuracy=None) for n in range(2)]
    assert "2 trainings gave no score (vpt)" in accuracy_tables([*SWEEP, *failed])[0].caption


def test_without_scores_there_is_no_table():
    assert accuracy_tables([predicted(), measured()]) == []
    assert len(captioned_tables([predicted()])) == 2
    assert len(captioned_tables([predicted(), *SWEEP])) == 4


@pytest.mark.parametrize("failed", [False, True])
def test_scored_records_leave_other_tables_as_they_are(failed):
    small = {"backbone": "vit_tiny", "device": "cpu"}
    timed = [
        replace(
            measured(adapter, 4, speed, **small), source="measured-cpu", environment=r.environment
        )
        for adapter, speed in (("cad", 3), ("lora", 5))
        for r in SWEEP[:1]
    ]
    sweep = [replace(r, status="error", accuracy=None) for r in SWEEP] if failed else SWEEP
    alone, together = [predicted(), *timed], [*sweep, predicted(), *timed, *sweep]
    for table in (memory_table, throughput_table):
        assert table(together).to_markdown() == table(alone).to_markdown()


def test_every_record_is_in_the_flat_table_with_its_scores():
    frame = cells_table([scored(score=0.7, seed=2), scored(task="transparent"), predicted()])
    binary, several, none = (row for _, row in frame.iterrows())
    assert (binary["iou"], binary["mae"], binary["seed"], binary["train_s"]) == (0.7, 0.7, 2, 30)
    assert (several["task"], several["miou"], several["test_images"]) == ("transparent", 0.6, 48)
    assert '"epochs": 4' in binary["recipe"]
    for missing in (binary["miou"], several["iou"], none["iou"], none["recipe"], none["train_s"]):
        assert pd.isna(missing)

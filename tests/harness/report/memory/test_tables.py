"""Peaks and times by batch size, and one record alone."""

from dataclasses import replace

import pandas as pd
import pytest
from readable import made, printed
from synthetic_records import measured, out_of_memory, predicted

from samfit.harness.report.cells import cells_table
from samfit.harness.report.memory.summary import record_summary
from samfit.harness.report.memory.table import memory_table
from samfit.harness.report.throughput.table import throughput_table


def test_memory_is_in_mib_by_batch_size_smallest_first():
    records = [
        predicted("lora", 1, 26, serial=True, trainable=123_456),
        predicted("cad", 1, 10),
        predicted("cad", 4, 20.5),
    ]
    assert made(memory_table, records).frame.to_dict("records") == [
        {"method": "Cad", "kind": "parallel", "params, M": "1.000",
         "batch 1": "10,240", "batch 4": "20,992"},
        {"method": "Lora", "kind": "serial", "params, M": "0.123",
         "batch 1": "26,624", "batch 4": "–"},
    ]  # fmt: skip


def test_the_fastest_come_first_and_unstable_times_are_marked():
    records = [measured("cad", speed=4), measured("lora", speed=12, stable=False)]
    table = made(throughput_table, records)
    assert list(table.frame["batch 4"]) == ["12.0*", "4.00"]
    assert "Asterisk" in table.caption


@pytest.mark.parametrize("table", [memory_table, throughput_table])
def test_out_of_memory_is_a_result_and_no_records_are_no_table(table):
    records = [measured(batch_size=4), out_of_memory(batch_size=16)]
    assert made(table, records).frame.iloc[0]["batch 16"] == "OOM"
    assert made(table, []) is None


def test_variants_are_told_apart_by_what_differs_and_what_all_share_is_in_the_caption():
    records = [
        predicted("cad"),
        predicted("cad", settings={"width": 8}),
        predicted("cad", prompts_per_image=3),
    ]
    labels = set(made(memory_table, records).frame["method"])
    assert labels == {"Cad", "Cad (width=8)", "Cad (prompts_per_image=3)"}
    shared = [predicted("cad", prompt="none"), predicted("lora", prompt="none")]
    table = made(memory_table, shared)
    assert set(table.frame["method"]) == {"Cad", "Lora"}
    assert "no prompt" in table.caption


def test_captions_say_source_machine_date_versions_and_commit():
    caption = made(memory_table, [predicted()]).caption
    for part in (
        "predicted (trace + allocator replay)", "vit_b", "1024 × 1024", "fp32", "AdamW",
        "box prompt", "samfit 9.8", "torch 7.6", "Imaginary CPU", "2020-02-02", "0123456789",
    ):  # fmt: skip
        assert part in caption
    assert "measured on Imaginary GPU" in made(throughput_table, [measured()]).caption


def test_what_a_prediction_assumes_is_marked_and_in_a_column():
    records = [replace(predicted("lora"), assumption="all is even"), predicted("cad")]
    assert set(made(memory_table, records).frame["method"]) == {"Lora†", "Cad"}
    column = cells_table(records)["assumption"]
    assert column[0] == "all is even" and pd.isna(column[1])


def test_training_predictions_of_the_backbone_with_most_records_are_preferred():
    records = [
        predicted(peak_gib=1, backbone="vit_l"),
        predicted(batch_size=1, peak_gib=2),
        predicted(batch_size=2, peak_gib=2),
        *(predicted(batch_size=b, phase="infer", peak_gib=3) for b in (1, 2, 4)),
        *(measured(batch_size=b, peak_gib=4) for b in (1, 2, 4)),
    ]
    row = made(memory_table, records).frame.iloc[0]
    assert list(row["batch 1":]) == ["2,048", "2,048"]


def test_one_record_alone_is_broken_down_and_says_what_it_assumes():
    record = replace(predicted(peak_gib=1), assumption="all experts work alike")
    lines = [" ".join(line.split()) for line in printed(record_summary(record), 120).splitlines()]
    for line in ("assumes all experts work alike", "weights frozen 256.0", "sum 1,024.0"):
        assert line in lines
    assert "assumes" not in printed(record_summary(predicted()))

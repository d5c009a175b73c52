import io
from dataclasses import replace

import pandas as pd
import pytest
from rich.console import Console
from synthetic_records import measured, out_of_memory, predicted

from samfit.harness.report.kit.tables import (
    cells_table,
    memory_table,
    terminal_table,
    throughput_table,
)


def test_cells_table_has_one_row_a_record_with_units_in_the_names():
    frame = cells_table([predicted(peak_gib=2), measured(speed=8)])
    first, second = frame.iloc[0], frame.iloc[1]
    assert first["peak_allocated_mib"] == 2048
    assert first["peak_reserved_mib"] == 3072
    assert first["tflops_per_image"] == 2
    assert pd.isna(first["step_median_ms"])
    assert second["images_per_second"] == 8
    assert second["step_median_ms"] == 500
    assert second["source"] == "measured-cuda"


def test_cells_table_keeps_records_without_figures():
    row = cells_table([out_of_memory()]).iloc[0]
    assert row["status"] == "oom"
    assert row["message"] == "does not fit"
    assert pd.isna(row["peak_allocated_mib"])


def test_cells_table_writes_settings_as_json():
    frame = cells_table([predicted(settings={"rank": 4})])
    assert frame.iloc[0]["settings"] == '{"rank": 4}'


def test_memory_table_gives_mib_by_batch_size_smallest_first():
    records = [
        predicted("lora", 1, 26, serial=True, trainable=123_456),
        predicted("cad", 1, 10),
        predicted("cad", 4, 20.5),
    ]
    frame = memory_table(records).frame
    assert frame.to_dict("records") == [
        {"method": "Cad", "kind": "parallel", "params, M": "1.000",
         "batch 1": "10,240", "batch 4": "20,992"},
        {"method": "Lora", "kind": "serial", "params, M": "0.123",
         "batch 1": "26,624", "batch 4": "–"},
    ]  # fmt: skip


def test_out_of_memory_is_a_result_in_both_tables():
    records = [measured(batch_size=4), out_of_memory(batch_size=16)]
    for table in (memory_table, throughput_table):
        assert table(records).frame.iloc[0]["batch 16"] == "OOM"


def test_variants_are_told_apart_by_what_differs():
    records = [
        predicted("cad"),
        predicted("cad", settings={"width": 8}),
        predicted("cad", prompts_per_image=3),
    ]
    labels = set(memory_table(records).frame["method"])
    assert labels == {"Cad", "Cad (width=8)", "Cad (prompts_per_image=3)"}


def test_what_all_share_is_in_the_caption_not_in_the_labels():
    table = memory_table([predicted("cad", prompt="none"), predicted("lora", prompt="none")])
    assert set(table.frame["method"]) == {"Cad", "Lora"}
    assert "no prompt" in table.caption


def test_throughput_table_gives_the_fastest_first_and_marks_unstable_times():
    table = throughput_table([measured("cad", speed=4), measured("lora", speed=12, stable=False)])
    assert list(table.frame["batch 4"]) == ["12.0*", "4.00"]
    assert "Asterisk" in table.caption


def test_captions_say_source_machine_date_versions_and_commit():
    caption = memory_table([predicted()]).caption
    for part in (
        "predicted (trace + allocator replay)", "vit_b", "1024 × 1024", "fp32", "AdamW",
        "box prompt", "samfit 9.8", "torch 7.6", "Imaginary CPU", "2020-02-02", "0123456789",
    ):  # fmt: skip
        assert part in caption
    assert "measured on Imaginary GPU" in throughput_table([measured()]).caption


def test_what_a_prediction_assumes_is_in_the_caption_and_in_a_column():
    records = [replace(predicted("lora"), assumption="all is even"), predicted("cad")]
    assert "Predictions of Lora assume that all is even. " in memory_table(records).caption
    assert "assume" not in memory_table(records[1:]).caption
    column = cells_table(records)["assumption"]
    assert column[0] == "all is even"
    assert pd.isna(column[1])


def test_memory_table_prefers_training_predictions_of_the_backbone_with_most_records():
    records = [
        predicted(peak_gib=1, backbone="vit_l"),
        predicted(batch_size=1, peak_gib=2),
        predicted(batch_size=2, peak_gib=2),
        *(predicted(batch_size=b, phase="infer", peak_gib=3) for b in (1, 2, 4)),
        *(measured(batch_size=b, peak_gib=4) for b in (1, 2, 4)),
    ]
    row = memory_table(records).frame.iloc[0]
    assert list(row["batch 1":]) == ["2,048", "2,048"]


@pytest.mark.parametrize("table", [memory_table, throughput_table])
def test_without_records_a_table_is_empty_and_says_so(table):
    empty = table([])
    assert empty.frame.empty
    assert "No record" in empty.to_markdown()
    assert terminal_table(*empty).row_count == 0


def test_markdown_keeps_the_thousands_separator_and_aligns_numbers():
    text = memory_table([predicted()]).to_markdown()
    assert "| Cad" in text
    assert " 10,240 |" in text
    assert "-----------:|" in text


def test_terminal_table_takes_brackets_literally():
    table = memory_table([predicted(settings={"blocks": [1, 2]})])
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(terminal_table(*table))
    assert "blocks=[1, 2]" in console.export_text()

"""Every record in one flat table."""

import pandas as pd
from synthetic_records import measured, out_of_memory, predicted, scored

from samfit.harness.report.cells import cells_table


def test_one_row_a_record_with_units_in_the_names():
    first, second, third = cells_table(
        [predicted(peak_gib=2, settings={"rank": 4}), measured(speed=8), out_of_memory()]
    ).to_dict("records")
    assert (first["peak_allocated_mib"], first["peak_reserved_mib"]) == (2048, 3072)
    assert (first["tflops_per_image"], first["settings"]) == (2, '{"rank": 4}')
    assert pd.isna(first["step_median_ms"])
    assert (second["images_per_second"], second["step_median_ms"]) == (8, 500)
    assert second["source"] == "measured-cuda"
    assert (third["status"], third["message"]) == ("oom", "does not fit")
    assert pd.isna(third["peak_allocated_mib"])


def test_scores_and_how_they_were_trained():
    records = [scored(score=0.7, seed=2), scored(task="transparent"), predicted()]
    binary, several, none = cells_table(records).to_dict("records")
    assert (binary["iou"], binary["mae"], binary["seed"], binary["train_s"]) == (0.7, 0.7, 2, 30)
    assert (several["task"], several["miou"], several["test_images"]) == ("transparent", 0.6, 48)
    assert '"epochs": 4' in binary["recipe"]
    for missing in (binary["miou"], several["iou"], none["iou"], none["recipe"], none["train_s"]):
        assert pd.isna(missing)

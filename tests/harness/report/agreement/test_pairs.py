"""Predicted against measured."""

from dataclasses import replace

from synthetic_records import measured, predicted

from samfit.harness.report.agreement.pairs import agreement_table
from samfit.harness.report.write import captioned_tables

PAIRS = [
    record
    for adapter, batch, ours, theirs in (("cad", 1, 2.0, 2.5), ("lora", 4, 8.0, 8.0))
    for record in (predicted(adapter, batch, ours), measured(adapter, batch, peak_gib=theirs))
]


def test_compares_what_was_both_predicted_and_measured():
    frame, _, caption = agreement_table([*PAIRS, predicted("full", 8, 30)])
    assert list(frame["method"]) == ["Cad", "Lora"]
    assert list(frame["alloc. error"]) == ["-20.0%", "+0.0%"]
    assert list(frame["alloc. measured"]) == ["2,560", "8,192"]
    assert "measured on" in caption


def test_says_what_the_predictions_assume():
    assuming = [
        replace(record, assumption="all is even") if record.source == "predicted" else record
        for record in PAIRS
    ]
    caption = agreement_table(assuming).caption
    assert "Predictions of Cad and Lora assume that all is even." in caption


def test_leaves_out_failed_measurements():
    failed = replace(PAIRS[1], status="oom", memory=None)
    assert list(agreement_table([PAIRS[0], failed, *PAIRS[2:]]).frame["method"]) == ["Lora"]


def test_without_pairs_there_is_no_such_table():
    only = [record for record in PAIRS if record.source == "predicted"]
    assert agreement_table(only).frame.empty
    assert len(captioned_tables(only)) == len(captioned_tables(PAIRS)) - 1

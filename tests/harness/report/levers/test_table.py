"""Methods as published beside the same with levers."""

from dataclasses import replace

import pytest
from hypothesis import given, strategies as st
from readable import made
from synthetic_records import all_text, predicted, with_levers

from samfit.harness.report.levers.plot import levers
from samfit.harness.report.levers.table import compared, side_by_side, side_by_side_table
from samfit.harness.report.write import report_tables

EXACT = {"attention": "sdpa", "optimizer": "adamw_fused"}


def pair(lora_gib=26, cad_gib=10):
    return [predicted("lora", 4, lora_gib, serial=True), predicted("cad", 4, cad_gib)]


def test_one_row_a_method_with_a_column_a_stage_the_smallest_as_published_first():
    table = made(side_by_side_table, with_levers(pair()))
    shared = "sdpa, adamw_fused, checkpointing"
    assert table.frame.to_dict("records") == [
        {"method": "Cad", "kind": "parallel", "batch": "4", "as published": "10.0",
         "with every exact lever": "1.00", "plus bf16": "0.50", "plus cached embeddings": "0.25",
         "exact levers": shared},
        {"method": "Lora", "kind": "serial", "batch": "4", "as published": "26.0",
         "with every exact lever": "2.60", "plus bf16": "1.30", "plus cached embeddings": "–",
         "exact levers": shared},
    ]  # fmt: skip
    for part in ("All figures are predicted", "rule out augmentation", "predicted (trace"):
        assert part in table.caption


def test_batch_sizes_stand_together():
    records = [
        predicted(name, batch, gib * batch, **fields)
        for name, gib in (("cad", 2), ("lora", 6))
        for batch in (16, 1)
        for fields in ({}, EXACT)
    ]
    frame = made(side_by_side_table, records).frame
    assert list(frame["batch"]) == ["1", "1", "16", "16"]
    assert list(frame["method"]) == ["Cad", "Lora"] * 2


def test_the_caption_tells_how_the_levers_change_the_comparison_whoever_gains():
    lead = compared(side_by_side(with_levers(pair())))
    assert "Memory of Cad at batch size 4" in lead
    assert "38% as published (Lora), 38% with every exact lever (Lora), 38% plus bf16" in lead
    assert "cached" not in lead
    lowered = [predicted("lora", 4, 1, serial=True, **EXACT), predicted("cad", 4, 3, **EXACT)]
    behind = [*pair(20, 10), *lowered]
    lead = compared(side_by_side(behind))
    assert "50% as published (Lora), 300% with every exact lever (Lora)" in lead
    for alone in pair():
        assert compared(side_by_side(with_levers([alone]))) == ""


@given(st.lists(st.integers(1, 10**6), min_size=4, max_size=4))
def test_shares_are_of_the_serial_method_that_takes_least_at_each_stage(sizes):
    ours, one, other, lowered = sizes
    records = [
        predicted("cad", 1, ours), predicted("cad", 1, ours, **EXACT),
        predicted("a", 1, one, serial=True), predicted("a", 1, one, serial=True, **EXACT),
        predicted("b", 1, other, serial=True), predicted("b", 1, lowered, serial=True, **EXACT),
    ]  # fmt: skip
    sentence = compared(side_by_side(records))
    assert f"{ours / min(one, other):.0%} as published" in sentence
    assert f"{ours / min(one, lowered):.0%} with every exact lever" in sentence


def test_the_fullest_cell_counts_and_a_lean_form_is_a_lever():
    lean = predicted("cad", 4, 1, settings={"lean": True}, **EXACT)
    records = [
        *pair(),
        predicted("cad", 4, 7, attention="sdpa"),
        lean,
        predicted("cad", 4, 2, **EXACT),
        predicted("cad", 4, 0.1, gradient_accumulation=4, **EXACT, checkpointing=True),
        predicted("cad", 4, 0.1, **{**EXACT, "optimizer": "adamw_8bit"}, checkpointing=True),
    ]
    (found,) = side_by_side(records)
    assert found.records["with every exact lever"] is lean
    assert made(side_by_side_table, records).frame["exact levers"][0] == "lean, sdpa, adamw_fused"


def test_bf16_counts_only_on_top_of_the_exact_levers_and_a_failed_prediction_is_no_stage():
    published, exact = predicted("cad", 4), predicted("cad", 4, 2, **EXACT)
    (found,) = side_by_side([published, exact, predicted("cad", 4, 0.1, precision="bf16")])
    assert "plus bf16" not in found.records
    assert side_by_side([published, replace(exact, status="error", memory=None)]) == []


def test_a_variant_has_its_own_levers():
    wide = {"settings": {"rank": 8}}
    records = [
        predicted("lora", 4, 26), predicted("lora", 4, 2, **EXACT),
        predicted("lora", 4, 27, **wide), predicted("lora", 4, 3, **wide, **EXACT),
    ]  # fmt: skip
    found = {one.series.label: one.peaks_gib() for one in side_by_side(records)}
    lowered = {label: peaks["with every exact lever"] for label, peaks in found.items()}
    assert lowered == {"Lora": 2, "Lora (rank=8)": 3}


def test_results_without_levers_have_no_such_table_and_no_such_plot():
    assert made(side_by_side_table, pair()) is None
    assert made(levers, pair()) is None
    assert len(report_tables(with_levers(pair()))) == len(report_tables(pair())) + 1


def test_the_plot_has_a_mark_for_each_stage_squares_for_parallel_methods():
    figure = made(levers, with_levers(pair()))
    marks = [line for line in figure.axes[0].lines if line.get_marker() in ("o", "s")]
    drawn = {(line.get_marker(), float(line.get_xdata()[0])) for line in marks}
    assert sorted(x for shape, x in drawn if shape == "s") == [0.25, 0.5, 1, 10]
    assert sorted(x for shape, x in drawn if shape == "o") == pytest.approx([1.3, 2.6, 26])
    looks = {(m.get_fillstyle(), m.get_markerfacecolor(), m.get_markersize()) for m in marks}
    assert len(looks) == 4
    text = all_text(figure)
    assert "parallel: no gradients" in text and "serial: gradients" in text
    assert "24 GiB" in text and "80" not in text

"""Predicted against measured: the tables, the plot and the verdict of a validation."""

from dataclasses import replace

import pytest
from matplotlib.text import Text
from readable import assert_nothing_is_clipped, made
from synthetic_records import ENVIRONMENT, GIB, all_text, direct_labels, measured, predicted

from samfit.harness.report.agreement.pairs import pairs
from samfit.harness.report.agreement.plot import agreement
from samfit.harness.report.agreement.table import (
    agreement_table,
    figures,
    validation_table,
    worst_cases,
    write_validation,
)

LEVERS = {"attention": "sdpa", "precision": "bf16"}


def both(adapter, ours, theirs, batch=4, **fields):
    """A Cell predicted and measured; the peaks are GiB, of which 1 more is reserved."""
    record = measured(adapter, batch, peak_gib=theirs, **fields)
    environment = {**ENVIRONMENT, "gpu": "Imaginary GPU", "gpu_capability": "9.0", "driver": "1.2"}
    return [predicted(adapter, batch, ours, **fields), replace(record, environment=environment)]


def reserving(record, gib):
    return replace(record, memory=replace(record.memory, peak_reserved_bytes=gib * GIB))


GOOD = [*both("cad", 10.05, 10), *both("lora", 26, 26, **LEVERS), *both("full", 32, 32, batch=1)]
BAD = [*GOOD, *both("vpt", 21, 20)]


def test_a_report_compares_what_was_both_predicted_and_measured():
    records = [*both("cad", 2, 2.5, 1), *both("lora", 8, 8), predicted("full", 8, 30)]
    frame, _, caption = made(agreement_table, records)
    assert list(frame["method"]) == ["Cad", "Lora"]
    assert list(frame["alloc. error"]) == ["-20.0%", "+0.0%"]
    assert list(frame["alloc. measured"]) == ["2,560", "8,192"]
    assert "measured on" in caption
    failed = replace(records[1], status="oom", memory=None)
    assert list(made(agreement_table, [records[0], failed, *records[2:]]).frame["batch"]) == ["4"]
    assuming = [replace(records[2], assumption="all is even"), records[3]]
    assert list(made(agreement_table, assuming).frame["method"]) == ["Lora†"]
    assert made(agreement_table, records[::2]) is None


def test_the_table_has_a_row_a_cell_the_furthest_off_first():
    table = validation_table(BAD)
    rows = table.frame.set_index("method")
    assert list(rows.index[:2]) == ["Vpt", "Cad"]
    assert rows.loc["Lora", "Cell"] == "batch 4, sdpa, bf16"
    assert rows.loc["Vpt", "alloc. predicted"] == "21,504"
    assert rows.loc["Vpt", "alloc. error"] == "+5.0%"
    assert rows.loc["Cad", "alloc. error"] == "+0.5%"
    for part in (
        "4 Cells", "median 0.25%, worst 5.00%", "Imaginary GPU", "compute capability 9.0",
        "driver 1.2", "torch 7.6", "2020-02-02",
    ):  # fmt: skip
        assert part in table.caption


@pytest.mark.parametrize(
    ("records", "sentence"),
    [
        (BAD, "worst allocated error 5.00% (limit 3%)"),
        (both("cad", 9, 10), "worst allocated error 10.00% (limit 3%)"),
        (both("cad", 10.2, 10), "median allocated error 2.00% (limit 1%)"),
        (
            [reserving(*each) for each in zip(both("cad", 10, 10), (12, 11), strict=True)],
            "worst reserved error 9.09% (limit 5%)",
        ),
    ],
)
def test_what_misses_a_limit_is_named(records, sentence):
    assert sentence in figures(records)["missed"]


def test_good_predictions_miss_nothing_even_where_no_allocator_reserves():
    records = [replace(r, memory=replace(r.memory, peak_reserved_bytes=None)) for r in GOOD]
    for found in (GOOD, records):
        numbers = figures(found)
        assert (numbers["missed"], numbers["cells"]) == ([], 3)
        assert numbers["worst_allocated_error"] == pytest.approx(0.005)
    assert numbers["worst_reserved_error"] is None
    assert list(validation_table(records).frame["reserved error"]) == ["–"] * 3


def test_cells_that_did_not_fit_are_named_and_do_not_count():
    failed = replace(measured("vpt"), status="oom", memory=None)
    table = validation_table([*GOOD, predicted("vpt"), failed])
    assert f"Not measured: {failed.key} (oom)." in table.caption
    assert len(table.frame) == 3


def test_cells_that_are_far_off_are_broken_down():
    (case,) = worst_cases(BAD)
    assert case.title == "Vpt, batch 4: +5.0%, MiB at the peak"
    assert case.frame.to_dict("records")[0] == {
        "category": "weights frozen", "predicted": "5,376.0", "measured": "5,120.0",
    }  # fmt: skip
    assert "predicted in forward, encoder.block" in case.caption
    assert worst_cases(GOOD) == []
    ours, theirs = both("vpt", 21, 20)
    unexplained = replace(theirs, memory=replace(theirs.memory, breakdown_bytes=None))
    (case,) = worst_cases([ours, unexplained])
    assert set(case.frame["measured"]) == {"–"}


def test_everything_is_written(tmp_path):
    paths = write_validation(BAD, tmp_path / "new")
    assert [path.name for path in paths] == ["table.md", "agreement.png", "agreement.svg"]
    text = paths[0].read_text()
    assert "| Vpt" in text and "weights frozen" in text


def test_the_plot_has_a_mark_a_cell_and_names_the_worst():
    figure = agreement(pairs(BAD), "measured on Imaginary GPU")
    marks = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert sorted(float(mark.get_xdata()[0]) for mark in marks) == [10, 20, 26, 32]
    assert [m.get_fillstyle() for m in marks].count("none") == 1
    names = [label.get_text() for label in direct_labels(figure)]
    assert "Vpt, b4: +5.0%" in names
    assert len(names) == 3
    assert sum(patch.get_height() for patch in figure.axes[1].patches if patch.get_width() < 1) == 4
    assert "median error, +0.25%" in all_text(figure)


def test_names_of_cells_that_lie_together_do_not_overlap():
    records = [r for i in range(3) for r in both(f"m{i}", 20.0 + i / 100, 18, batch=1)]
    figure = agreement(pairs([*records, *both("cad", 2, 2)]), "somewhere")
    figure.draw_without_rendering()
    boxes = [Text.get_window_extent(label) for label in direct_labels(figure)]  # without leaders
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
    assert_nothing_is_clipped(figure)

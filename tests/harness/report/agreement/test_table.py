"""What a validation shows and promises: its tables, its plot and its verdict."""

from dataclasses import replace

import pytest
from matplotlib.text import Text
from readable import assert_nothing_is_clipped, made
from synthetic_records import ENVIRONMENT, GIB, all_text, direct_labels, measured, predicted

from samfit.harness.report.agreement.agreement import of_predictions, of_traces
from samfit.harness.report.agreement.plot import agreement_plot
from samfit.harness.report.agreement.table import (
    agreement_table,
    summary_table,
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


def traced(adapter, ours, theirs, batch=4, **fields):
    """A Cell traced and rehearsed; the peaks are GiB, of which 1 more is reserved."""
    record = predicted(adapter, batch, theirs, **fields)
    rehearsed = replace(record, memory=replace(record.memory, instrument="rehearsal"))
    return [rehearsed, replace(predicted(adapter, batch, ours, **fields), source="traced")]


GOOD = [*both("cad", 10.05, 10), *both("lora", 26, 26, **LEVERS), *both("full", 32, 32, batch=1)]
BAD = [*GOOD, *both("vpt", 21, 20)]
TRACED = [
    *traced("cad", 10, 10, compute_capability="9.0"),
    *traced("lora", 20.1, 20, precision="bf16-pure"),
    *traced("full", 32, 32, batch=1, backbone="vit_l", phase="infer"),
]


def test_a_report_compares_what_was_both_predicted_and_measured():
    records = [*both("cad", 2, 2.5, 1), *both("lora", 8, 8), predicted("full", 8, 30)]
    frame, _, caption = made(agreement_table, records)
    assert list(frame["method"]) == ["Cad", "Lora"]
    assert list(frame["alloc. error"]) == ["-20.00%", "+0.00%"]
    assert list(frame["alloc. measured"]) == ["2,560", "8,192"]
    assert "measured on" in caption
    failed = replace(records[1], status="oom", memory=None)
    assert list(made(agreement_table, [records[0], failed, *records[2:]]).frame["batch"]) == ["4"]
    assuming = [replace(records[2], assumption="all is even"), records[3]]
    assert list(made(agreement_table, assuming).frame["method"]) == ["Lora†"]
    assert made(agreement_table, records[::2]) is None


def test_the_table_has_a_row_a_cell_the_furthest_off_first():
    table = validation_table(of_predictions(BAD))
    rows = table.frame.set_index("method")
    assert list(rows.index[:2]) == ["Vpt", "Cad"]
    assert rows.loc["Lora", "Cell"] == "batch 4, sdpa, bf16"
    assert rows.loc["Vpt", "alloc. predicted"] == "21,504"
    assert rows.loc["Vpt", "alloc. error"] == "+5.00%"
    assert rows.loc["Cad", "alloc. error"] == "+0.50%"
    for part in (
        "(predicted - measured) / measured", "Imaginary GPU", "compute capability 9.0",
        "driver 1.2", "torch 7.6", "2020-02-02",
    ):  # fmt: skip
        assert part in table.caption


def test_the_summary_has_the_errors_of_all_of_each_kind_and_of_each_method():
    frame, _, caption = summary_table(of_predictions(BAD))
    assert list(frame["kind"]) == [
        "all", "fp32", "bf16", "eager attention", "sdpa attention", "batch 4", "batch 1",
        "Cad", "Lora", "Full", "Vpt",
    ]  # fmt: skip
    rows = frame.set_index("kind")
    assert list(rows.loc["all"]) == ["4", "0.25%", "5.00%", "0.23%", "4.76%"]
    assert list(rows.loc["eager attention"])[:3] == ["3", "0.50%", "5.00%"]
    assert list(rows.loc["Vpt"])[:3] == ["1", "5.00%", "5.00%"]
    for part in (
        "4 Cells, vit_b", "median 0.25%, worst 5.00%. Beyond 3%: Vpt, batch 4 (+5.00%).",
        "Errors of reserved memory: median 0.23%, worst 4.76%. Source",
    ):  # fmt: skip
        assert part in caption


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
    assert sentence in of_predictions(records).figures()["missed"]


def test_good_predictions_miss_nothing_even_where_no_allocator_reserves():
    records = [replace(r, memory=replace(r.memory, peak_reserved_bytes=None)) for r in GOOD]
    for found in (GOOD, records):
        numbers = of_predictions(found).figures()
        assert (numbers["missed"], numbers["cells"]) == ([], 3)
        assert numbers["worst_allocated_error"] == pytest.approx(0.005)
    assert numbers["worst_reserved_error"] is None
    assert list(validation_table(of_predictions(records)).frame["reserved error"]) == ["–"] * 3


def test_cells_that_did_not_fit_are_named_and_do_not_count():
    failed = replace(measured("vpt"), status="oom", memory=None)
    found = of_predictions([*GOOD, predicted("vpt"), failed])
    assert f"Without a peak: {failed.key} (oom)." in summary_table(found).caption
    assert len(validation_table(found).frame) == found.figures()["cells"] == 3


def test_cells_that_are_far_off_are_broken_down():
    (case,) = worst_cases(of_predictions(BAD))
    assert case.title == "Vpt, batch 4: +5.00%, MiB at the peak"
    assert case.frame.to_dict("records")[0] == {
        "category": "weights frozen", "predicted": "5,376.0", "measured": "5,120.0",
    }  # fmt: skip
    assert "predicted in forward, encoder.block" in case.caption
    assert worst_cases(of_predictions(GOOD)) == []
    ours, theirs = both("vpt", 21, 20)
    unexplained = replace(theirs, memory=replace(theirs.memory, breakdown_bytes=None))
    (case,) = worst_cases(of_predictions([ours, unexplained]))
    assert set(case.frame["measured"]) == {"–"}


def test_a_prediction_that_assumes_something_of_the_data_promises_nothing_of_a_measurement():
    ours, theirs = both("vpt", 21, 20)
    records = [*GOOD, replace(ours, assumption="all is even"), theirs]
    assert of_predictions(records).figures()["cells"] == 3
    assert len(validation_table(of_predictions(records)).frame) == 4


def test_traces_are_compared_with_rehearsals_and_promise_more():
    found = of_traces(TRACED)
    numbers = found.figures()
    assert numbers["cells"] == 3
    assert numbers["worst_allocated_error"] == pytest.approx(0.005)
    assert numbers["missed"] == []
    missed = of_traces([*TRACED[2:4], *traced("cad", 10.07, 10)]).figures()["missed"]
    assert missed == [
        "median allocated error 0.60% (limit 0.05%)", "worst allocated error 0.70% (limit 0.6%)",
    ]  # fmt: skip
    rows = validation_table(found).frame.set_index("method")
    assert rows.loc["Lora", "Cell"] == "batch 4, vit_b, capability 8.0, training step, bf16-pure"
    assert rows.loc["Lora", "alloc. traced"] == "20,582"
    assert rows.loc["Lora", "alloc. rehearsed"] == "20,480"
    assert "cards that are not there" in summary_table(found).caption


def test_a_trace_and_a_rehearsal_that_assume_the_same_count():
    records = [replace(record, assumption="all is even") for record in TRACED[:2]]
    assert of_traces(records).figures()["cells"] == 1


def test_what_was_traced_in_place_of_a_rehearsal_is_not_compared_with_itself():
    assert of_traces([predicted("cad"), replace(predicted("cad"), source="traced")]).pairs == []


def test_traces_whose_reserved_memory_is_far_off_are_named():
    records = traced("cad", 10, 10)
    found = of_traces([*TRACED[2:], records[0], reserving(records[1], 12)])
    assert "Beyond 5%: Cad, batch 4, vit_b, training step (+9.09%)." in (
        summary_table(found).caption
    )
    failed = replace(TRACED[0], status="error", memory=None)
    assert f"Without a peak: {failed.key} (error)." in (
        summary_table(of_traces([*TRACED[2:], failed])).caption
    )


def test_everything_is_written(tmp_path):
    paths = write_validation(of_predictions(BAD), tmp_path / "new")
    assert [path.name for path in paths] == [
        "measured.md", "measured.csv", "measured.png", "measured.svg",
    ]  # fmt: skip
    text = paths[0].read_text()
    assert "| Vpt" in text and "weights frozen" in text
    others = write_validation(of_traces(TRACED), tmp_path / "new")
    assert not {path.name for path in paths} & {path.name for path in others}


def test_the_figures_are_a_table_for_machines_with_the_command_that_predicts_each(tmp_path):
    _, file, *_ = write_validation(of_traces(TRACED), tmp_path)
    assert file.read_text().splitlines()[:3] == [
        "command,traced_allocated_bytes,rehearsed_allocated_bytes,traced_reserved_bytes,"
        "rehearsed_reserved_bytes",
        "samfit predict cad --batch-size 4 --compute-capability 9.0,"
        f"{10 * GIB},{10 * GIB},{11 * GIB},{11 * GIB}",
        f"samfit predict lora --batch-size 4 --precision bf16-pure,"
        f"{int(20.1 * GIB)},{20 * GIB},{int(20.1 * GIB) + GIB},{21 * GIB}",
    ]
    assert "--backbone vit_l --phase infer" in file.read_text()
    unknown = [replace(r, memory=replace(r.memory, peak_reserved_bytes=None)) for r in GOOD[:2]]
    _, file, *_ = write_validation(of_predictions(unknown), tmp_path)
    assert file.read_text().splitlines()[1].endswith(f",{int(10.05 * GIB)},{10 * GIB},,")


def marks(figure):
    return [line for line in figure.axes[0].lines if line.get_marker() == "o"]


def counted(axes):
    """Cells in a histogram; bands are patches, too, but wider."""
    return sum(patch.get_height() for patch in axes.patches if patch.get_width() < 1)


def test_the_plot_has_a_mark_a_cell_and_names_the_worst():
    figure = agreement_plot(of_predictions(BAD))
    assert sorted(float(mark.get_xdata()[0]) for mark in marks(figure)) == [10, 20, 26, 32]
    assert [m.get_fillstyle() for m in marks(figure)].count("none") == 1
    names = [label.get_text() for label in direct_labels(figure)]
    assert "Vpt, b4: +5.00%" in names
    assert len(names) == 3
    assert [counted(axes) for axes in figure.axes[1:]] == [4, 4]
    for part in ("predicted and measured", "Imaginary GPU", "within 3%", "within 1%"):
        assert part in all_text(figure)
    assert_nothing_is_clipped(figure)


def test_where_no_allocator_reserves_the_plot_has_the_errors_of_allocated_memory_alone():
    records = [replace(r, memory=replace(r.memory, peak_reserved_bytes=None)) for r in GOOD]
    assert len(agreement_plot(of_predictions(records)).axes) == 2


def test_the_plot_of_traces_speaks_of_them():
    figure = agreement_plot(of_traces(TRACED))
    for part in ("traced and rehearsed", "rehearsed (GiB)", "within 0.05%", "within 0.6%"):
        assert part in all_text(figure)
    assert_nothing_is_clipped(figure)


def test_names_of_cells_that_lie_together_do_not_overlap():
    records = [r for i in range(3) for r in both(f"m{i}", 20.0 + i / 100, 18, batch=1)]
    figure = agreement_plot(of_predictions([*records, *both("cad", 2, 2)]))
    figure.draw_without_rendering()
    boxes = [Text.get_window_extent(label) for label in direct_labels(figure)]  # without leaders
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
    assert_nothing_is_clipped(figure)

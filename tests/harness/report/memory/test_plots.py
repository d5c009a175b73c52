"""Plots of memory and throughput, and what holds for all that need no scores."""

from dataclasses import replace

import matplotlib
import numpy as np
import pytest
from readable import assert_no_overlap, assert_nothing_is_clipped, made
from synthetic_records import (
    GIB,
    all_text,
    crowd,
    direct_labels,
    measured,
    out_of_memory,
    predicted,
    with_levers,
)

from samfit.harness.report.levers.plot import levers
from samfit.harness.report.memory.batch_plot import memory_vs_batch
from samfit.harness.report.memory.breakdown_plot import breakdown
from samfit.harness.report.memory.parameters_plot import parameters_vs_memory, rank_correlation
from samfit.harness.report.memory.timeline_plot import timeline
from samfit.harness.report.throughput.plot import throughput_vs_batch

OF_MEMORY = (memory_vs_batch, breakdown, timeline, parameters_vs_memory, levers)
PLOTS = (*OF_MEMORY, throughput_vs_batch)


def pair(batch_size=4):
    return [
        predicted("cad", batch_size, 10),
        predicted("sam_adapter", batch_size, 26, serial=True, trainable=2_000_000),
    ]


def timed(records):
    """The same methods measured, nearly as fast as each other."""
    speeds = {name: 10 + i / 100 for i, name in enumerate({r.cell.adapter: None for r in records})}
    cells = [record.cell for record in records]
    found = [measured(cell.adapter, cell.batch_size, speeds[cell.adapter]) for cell in cells]
    return [replace(one, method=record.method) for one, record in zip(found, records, strict=True)]


@pytest.mark.parametrize("plot", PLOTS)
def test_plots_of_all_adapters_and_of_a_crowd_are_readable(plot, every_adapter):
    for records in (with_levers([*crowd(), *pair()]), with_levers(every_adapter)):
        figure = made(plot, timed(records) if plot is throughput_vs_batch else records)
        assert_no_overlap(figure)
        assert_nothing_is_clipped(figure)
    for title in {record.method.title for record in every_adapter}:
        assert title in all_text(figure)


@pytest.mark.parametrize("plot", OF_MEMORY)
def test_predictions_that_assume_something_are_marked(plot):
    cad, sam_adapter = pair()
    assuming = with_levers([cad, replace(sam_adapter, assumption="all is even")])
    text = all_text(made(plot, assuming))
    assert "Sam_Adapter†" in text and "†: see the footnote of table.md." in text
    assert "†" not in all_text(made(plot, with_levers(pair())))


@pytest.mark.parametrize("plot", PLOTS)
def test_captions_say_the_source_and_without_records_there_is_no_plot(plot):
    records = [measured("cad")] if plot is throughput_vs_batch else with_levers(pair())
    text = all_text(made(plot, records))
    source = "measured on Imaginary GPU" if plot is throughput_vs_batch else "predicted (trace"
    for part in (source, "vit_b", "1024 × 1024", "samfit 9.8", "torch 7.6"):
        assert part in text
    assert made(plot, []) is None


def test_memory_is_drawn_in_gib_or_in_mib_where_it_is_small():
    figure = made(memory_vs_batch, [predicted(peak_gib=3), predicted(batch_size=1)])
    assert figure.axes[0].lines[0].get_xydata().tolist() == [[1, 10], [4, 3]]
    assert "(GiB)" in all_text(figure)
    assert "(MiB)" in all_text(made(memory_vs_batch, [predicted(peak_gib=0.5)]))


def test_cards_are_drawn_where_they_tell_something():
    records = [predicted(batch_size=b, peak_gib=10 * b) for b in (1, 2)]
    text = all_text(made(memory_vs_batch, records))
    assert "12 GiB card" in text and "24 GiB card" in text
    assert "8 GiB card" not in text and "80 GiB card" not in text


def test_measured_memory_is_drawn_as_rings_over_the_predicted_line():
    figure = made(memory_vs_batch, [predicted(peak_gib=10), measured(peak_gib=11)])
    lines = [axes.lines for axes in figure.axes[:2]]  # batch against peak, and the ranking
    hollow = [[one.get_xydata()[0] for one in of if one.get_fillstyle() == "none"] for of in lines]
    assert [[point.tolist() for point in points] for points in hollow] == [[[4, 11]], [[11, 0]]]
    assert "counters of the CUDA allocator" in all_text(figure)
    elsewhere = made(memory_vs_batch, [predicted(), measured(backbone="vit_l")])
    assert "measured" not in all_text(elsewhere)


def ranked(figure):
    """What is written in the second panel, row by row."""
    texts = [text.get_text() for text in figure.axes[1].texts]
    return list(zip(texts[::2], texts[1::2], strict=True))


def test_methods_are_ranked_at_batch_four_and_those_without_a_figure_are_named_last():
    records = [predicted("cad", 4, 10), predicted("lora", 4, 26), predicted("lora", 1, 7)]
    figure = made(memory_vs_batch, records)
    assert ranked(figure) == [("Lora", "26.0"), ("Cad", "10.0")]
    assert "GiB at batch size 4" in all_text(figure)
    slow = [measured("cad", speed=3), measured("lora", speed=4)]
    assert ranked(made(throughput_vs_batch, slow)) == [("Lora", "4.00"), ("Cad", "3.00")]
    without = [measured("lora", 1), out_of_memory("lora", 4), measured("lst", 1)]
    for plot in (memory_vs_batch, throughput_vs_batch):
        cad, *others = ranked(made(plot, [measured("cad"), *without]))
        assert cad[0] == "Cad" and others == [("Lora", "out of memory"), ("Lst", "no figure")]


def test_out_of_memory_is_a_cross_at_its_batch_size():
    figure = made(memory_vs_batch, [predicted(), measured(), out_of_memory(batch_size=16)])
    crosses = [line for line in figure.axes[0].lines if line.get_marker() == "x"]
    assert [list(line.get_xdata()) for line in crosses] == [[16]]
    assert "out of memory" in all_text(figure)


def test_breakdown_stacks_to_the_peak_and_puts_what_cannot_be_seen_into_one_category():
    record = predicted(peak_gib=8)
    figure = made(breakdown, [record])
    assert sum(bar.get_width() for bar in figure.axes[0].patches) == pytest.approx(8)
    texts = {label.get_text() for label in direct_labels(figure)}
    assert texts == {"2.00", "6.00", "8.00 GiB"}
    parts = {"large": 10 * GIB, "tiny_one": 2**20, "tiny_two": 2**20}
    memory = replace(record.memory, breakdown_bytes=parts, peak_allocated_bytes=sum(parts.values()))
    text = all_text(made(breakdown, [replace(record, memory=memory)]))
    assert "other: tiny one, tiny two." in text


def panels(figure):
    """Titles and peaks of the timeline's panels, in their order."""
    texts = [[text.get_text() for text in axes.texts] for axes in figure.axes[1:]]
    return [(title.replace("\n", " "), peak) for title, peak in texts]


def test_timeline_shows_parallel_before_serial_methods_and_then_the_smallest_peak_first():
    serial = [predicted("m1", peak_gib=8, serial=True), predicted("m2", peak_gib=7, serial=True)]
    parallel = [predicted("m3", peak_gib=10), predicted("m4", peak_gib=9)]
    figure = made(timeline, [*serial, *parallel])
    assert panels(figure) == [
        ("M4", "peak 9.00 GiB"), ("M3", "peak 10.0 GiB"),
        ("M2", "peak 7.00 GiB"), ("M1", "peak 8.00 GiB"),
    ]  # fmt: skip
    (one, other), (third, _) = (figure.axes[i : i + 2] for i in (1, 3))
    assert one.get_position().y0 == other.get_position().y0 > third.get_position().y1
    for text in ("serial: gradients flow through the encoder", "parallel: they do not"):
        assert text in all_text(figure)


def test_timeline_marks_peaks_and_phases_on_shared_axes():
    figure = made(timeline, pair())
    _, cad, sam_adapter = figure.axes
    assert cad.get_ylim() == sam_adapter.get_ylim() and cad.get_xlim() == (0, 1)
    for axes, peak in ((cad, 10), (sam_adapter, 26)):
        curve, mark = (line.get_xydata().tolist() for line in axes.lines)
        assert curve == [[0, 0], [0.25, peak], [0.5, peak / 2], [0.75, peak / 4], [1, 0]]
        assert mark == [[0.25, peak]]
        phases = [(phase.get_x(), phase.get_width()) for phase in axes.patches]
        assert phases == [(0, 0.5), (0.5, 0.5), (1, 0)]
    assert "forward backward optimizer" in all_text(figure)


def test_timeline_claims_only_what_the_records_show():
    claim = "serial methods hold at least 2.6 times the memory of any parallel one"
    assert claim in all_text(made(timeline, pair()))
    assert "at least" not in all_text(made(timeline, [*pair(), predicted("lst", peak_gib=30)]))
    assert "at least" not in all_text(made(timeline, [predicted("cad", phase="infer")]))


def test_timeline_shows_batch_four_if_it_can_and_leaves_out_records_without_one():
    figure = made(timeline, [*pair(1), *pair(4), *pair(16), predicted("lora", 16)])
    assert len(panels(figure)) == 2 and "batch size 4" in all_text(figure)
    cad, sam_adapter = pair()
    without = replace(cad, memory=replace(cad.memory, timeline=None))
    assert [title for title, _ in panels(made(timeline, [without, sam_adapter]))] == ["Sam_Adapter"]
    assert made(timeline, [without]) is None


@pytest.mark.parametrize("methods", [1, 2, 3, 30])
def test_timelines_of_any_number_of_methods_are_readable(methods):
    long = {"blocks": [*range(12)], "name": 60 * "m"}
    records = [
        predicted(f"method {i}", 4, 0.98, serial=i % 3 == 0, settings=long if i % 5 else {})
        for i in range(methods)
    ]
    figure = made(timeline, records)
    assert len(panels(figure)) == methods
    assert_no_overlap(figure)
    assert_nothing_is_clipped(figure)


def test_rank_correlation_is_spearmans():
    assert rank_correlation([1, 2, 3], [10, 20, 400]) == pytest.approx(1)
    assert rank_correlation([1, 2, 3, 4], [4, 1, 3, 2]) == pytest.approx(-0.4)
    assert rank_correlation([1, 1], [1, 2]) is None


def test_the_title_claims_only_what_the_records_show():
    for peaks, title in (
        ([3, 4, 1, 5, 2], "say little"),
        ([1, 2, 3, 4, 5], "tend to take more memory"),
        ([3, 1, 4], "Peak memory against trainable parameters"),
    ):
        found = [predicted(f"m{i}", 4, p, trainable=i * 10**6) for i, p in enumerate(peaks, 1)]
        assert title in all_text(made(parameters_vs_memory, found))
    # The gap between serial and parallel methods is rounded down.
    records = [predicted("cad", peak_gib=10), predicted("lora", peak_gib=26.9, serial=True)]
    assert "at least 2.6 times" in all_text(made(parameters_vs_memory, records))
    records.append(predicted("lst", peak_gib=27))
    assert "at least" not in all_text(made(parameters_vs_memory, records))


def test_throughput_has_bars_from_p10_to_p90_prefers_cuda_and_never_mixes_machines():
    axes = made(throughput_vs_batch, [measured(speed=10)]).axes[0]
    (bar,) = axes.containers[0].lines[2][0].get_segments()
    assert np.allclose(bar, [[4, 10 / 1.2], [4, 10 / 0.9]])
    on_cpu = [replace(measured("lora", b), source="measured-cpu") for b in (1, 2, 4)]
    assert "Lora" not in all_text(made(throughput_vs_batch, [*on_cpu, measured("cad")]))
    other = replace(measured("lora"), environment={"gpu": "Other GPU"})
    mixed = all_text(made(throughput_vs_batch, [measured("cad"), measured("cad", 1), other]))
    assert "Other GPU" not in mixed and "Lora" not in mixed


def test_drawing_leaves_matplotlib_as_it_was():
    before = dict(matplotlib.rcParams)
    made(memory_vs_batch, pair())
    assert dict(matplotlib.rcParams) == before

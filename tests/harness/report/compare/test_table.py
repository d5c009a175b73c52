"""What changed between two runs, as a table and as a plot."""

from dataclasses import replace

from readable import printed
from synthetic_records import ENVIRONMENT, all_text, measured, out_of_memory, predicted

import samfit
from samfit.harness.report.compare.plot import MOST, draw_comparison
from samfit.harness.report.compare.table import comparison_summary, comparison_table


def slower(record, factor):
    step = record.timing.step_ms
    step = replace(step, median=step.median * factor, p10=step.p10 * factor, p90=step.p90 * factor)
    return replace(record, timing=replace(record.timing, step_ms=replace(step, n=900)))


def changed():
    cad, grown = predicted("cad", peak_gib=10), predicted("cad", peak_gib=11)
    before = [cad, measured("lora"), measured("full", 16), measured("vpt")]
    slow, failed = slower(measured("lora"), 1.5), out_of_memory("full")
    return samfit.compare(before, [grown, slow, failed, measured("ssf")])


def test_each_change_has_a_row():
    rows = comparison_table(changed()).frame.to_numpy().tolist()
    assert [tuple(row) for row in rows] == [
        ("cad vit_b, batch 4; predicted", "peak allocated, MiB", "10,240.0", "11,264.0", "+10.0%"),
        ("cad vit_b, batch 4; predicted", "peak reserved, MiB", "11,264.0", "12,288.0", "+9.1%"),
        ("lora vit_b, batch 4; cuda", "step, ms", "400.0", "600.0", "+50.0%"),
        ("full vit_b, batch 16; cuda", "status", "ok", "oom", ""),
        ("vpt vit_b, batch 4; cuda", "status", "ok", "missing", ""),
        ("ssf vit_b, batch 4; cuda", "status", "missing", "ok", ""),
    ]


def test_what_most_cells_did_has_a_row_and_is_explained():
    before = [measured(f"method {number}") for number in range(10)]
    table = comparison_table(samfit.compare(before, [slower(record, 1.5) for record in before]))
    assert table.frame.to_numpy().tolist() == [["most Cells", "step", "", "", "+50.0%"]]
    assert "Steps of most Cells take 1.50 times as long as before" in table.caption


def test_where_nothing_changed_a_sentence_says_so_and_another_machine_is_named():
    text = printed(comparison_summary(samfit.compare([predicted()], [predicted()])), 200)
    assert text.startswith("Nothing changed. Cells in both runs: 1, with times: 0.")
    there = replace(predicted(), environment={**ENVIRONMENT, "cpu": "Other CPU"})
    text = comparison_table(samfit.compare([predicted()], [there])).caption
    assert "Machine or versions differ" in text and "Imaginary CPU" in text and "Other CPU" in text


def test_the_plot_names_what_changed_and_counts_what_it_leaves_out():
    text = all_text(draw_comparison(changed()))
    assert "lora vit_b, batch 4; cuda" in text and "cad vit_b, batch 4; predicted" in text
    many = [measured(f"method {number}") for number in range(MOST + 3)]
    assert "3 more Cells" in all_text(draw_comparison(samfit.compare(many, many)))
    assert draw_comparison(samfit.compare([predicted()], [predicted()])) is None

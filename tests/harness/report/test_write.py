"""A report as a whole: its files, its sections, and the front door to it."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from readable import printed
from synthetic_records import measured, out_of_memory, predicted, trained_methods, with_levers

import samfit
from samfit.harness.report.write import NOTHING, TOPICS, report_for_terminal, report_tables

RECORDS = [
    *with_levers(
        [predicted("cad", peak_gib=10), predicted("sam_adapter", peak_gib=26, serial=True)]
    ),
    predicted("cad", peak_gib=12, backbone="vit_l"),
    measured("cad"),
    out_of_memory("cad"),
]


SCORED = trained_methods(("cad", "lora"), masks=[9])
DOCS = Path(__file__).parents[3] / "docs" / "results.md"


def test_everything_is_written_and_the_same_records_give_the_same_bytes(tmp_path):
    records = [*RECORDS, *SCORED]
    paths, again = (samfit.report(records, tmp_path / "new" / name) for name in "ab")
    assert sorted(paths) == sorted((tmp_path / "new" / "a").iterdir())
    for one, other in zip(paths, again, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name
    markdown = (tmp_path / "new" / "a" / "table.md").read_text()
    for table in report_tables(records):
        assert table.to_markdown() in markdown
    plots = {plot.__name__ for topic in TOPICS for plot in topic.plots}
    assert {path.name for path in paths} == {"report.html", "table.csv", "table.md"} | {
        f"{plot}.{suffix}" for plot in plots for suffix in ("png", "svg")
    } - {"gallery.svg"}
    headings = re.findall(r"<h2>(.*?)</h2>", paths[0].read_text())
    titles = [topic.title for topic in TOPICS]
    assert [heading for heading in headings if heading in titles] == titles
    for title in titles:
        assert f"## {title}\n" in DOCS.read_text(encoding="utf-8")


def test_what_a_prediction_assumes_is_said_once(tmp_path):
    assuming = replace(predicted("lora"), assumption="all is even")
    note = "† Predictions of Lora assume that all is even."
    samfit.report([assuming, predicted("cad")], tmp_path)
    for name in ("table.md", "report.html"):
        assert (tmp_path / name).read_text().count(note) == 1
    assert note in printed(report_for_terminal([assuming]))


def test_what_has_no_records_is_left_out_and_said_if_it_is_all(tmp_path):
    names = {path.name for path in samfit.report([predicted("lora")], tmp_path)}
    assert "memory_vs_batch.svg" in names
    assert not {"throughput_vs_batch.svg", "parameters_vs_memory.svg"} & names
    paths = samfit.report([], tmp_path)
    assert [path.name for path in paths] == ["report.html", "table.csv", "table.md"]
    assert paths[2].read_text() == NOTHING
    assert NOTHING.strip() in printed(report_for_terminal([]))


def test_a_folder_that_cannot_be_made_is_the_users_error(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(samfit.UserError, match="cannot write to"):
        samfit.report(RECORDS[:1], tmp_path / "file")


def test_the_room_needs_no_torch_and_no_pyplot():
    modules = "'torch', 'matplotlib.pyplot'"
    code = f"import samfit.harness.report.write, sys; assert not {{{modules}}} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", code], check=True)

import subprocess
import sys

import pytest
from synthetic_records import measured, out_of_memory, predicted, scored, with_levers

from samfit.errors import UserError
from samfit.harness.report.write import ACCURACY_PLOTS, PLOTS, write_report

RECORDS = [
    *with_levers(
        [predicted("cad", peak_gib=10), predicted("sam_adapter", peak_gib=26, serial=True)]
    ),
    measured("cad"),
    out_of_memory("cad"),
]


def test_everything_is_written_and_named(tmp_path):
    paths = write_report(RECORDS, tmp_path / "new" / "folder")
    stems = {plot.__name__ for plot in PLOTS}
    assert {path.name for path in paths} == {"report.html", "table.csv", "table.md"} | {
        f"{stem}.{suffix}" for stem in stems for suffix in ("png", "svg")
    }
    assert sorted(paths) == sorted((tmp_path / "new" / "folder").iterdir())


def test_accuracy_is_written_and_the_gallery_as_pixels_only(tmp_path):
    records = [
        record
        for adapter in ("cad", "lora")
        for record in (
            predicted(adapter, backbone="vit_tiny"),
            scored(adapter, batch_size=4, masks=[9]),
        )
    ]
    first, second = (write_report(records, tmp_path / name) for name in ("first", "second"))
    names = {path.name for path in first}
    for plot in ACCURACY_PLOTS:
        assert f"{plot.__name__}.png" in names
    assert "accuracy_vs_memory.svg" in names
    assert "gallery.svg" not in names
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name


def test_the_same_records_give_the_same_bytes(tmp_path):
    first, second = (write_report(RECORDS, tmp_path / name) for name in ("first", "second"))
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name


def test_plots_without_records_are_left_out(tmp_path):
    names = {path.name for path in write_report([predicted("lora")], tmp_path)}
    assert "memory_vs_batch.svg" in names
    assert "throughput_vs_batch.svg" not in names
    assert "parameters_vs_memory.svg" not in names


def test_no_records_give_empty_tables(tmp_path):
    paths = write_report([], tmp_path)
    assert [path.name for path in paths] == ["report.html", "table.csv", "table.md"]


def test_the_markdown_holds_both_tables_with_their_sources(tmp_path):
    write_report(RECORDS, tmp_path)
    text = (tmp_path / "table.md").read_text()
    assert "predicted (trace + allocator replay)" in text
    assert "measured on Imaginary GPU" in text
    assert "OOM" in text


def test_a_folder_that_cannot_be_made_is_the_users_error(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="cannot write the report to"):
        write_report(RECORDS[:1], tmp_path / "file")


def test_the_room_needs_no_torch_and_no_pyplot():
    modules = "'torch', 'matplotlib.pyplot'"
    code = f"import samfit.harness.report.write, sys; assert not {{{modules}}} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", code], check=True)

"""The reference results are read by the code that they come with."""

from pathlib import Path

from adapters.core.registry import adapter_names
from harness.report.tables import memory_table
from harness.store import Store

RECORDS = Store(Path(__file__).parents[1] / "results" / "reference" / "results.jsonl").latest()


def test_there_are_figures_of_every_method():
    for source in ("predicted", "measured-cpu"):
        measured = {r.cell.adapter for r in RECORDS if r.source == source and r.status == "ok"}
        assert measured >= set(adapter_names())


def test_they_make_a_table():
    assert len(memory_table(RECORDS).frame) == len(adapter_names())

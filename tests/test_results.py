"""The reference results are read by the code that they come with."""

import csv
import json
from pathlib import Path
from statistics import median

import pytest
import torch
from predictions import predicted_once

from samfit import Cell, Store, adapter_names, compare
from samfit.harness.report.write import report_tables

RESULTS = Path(__file__).parents[1] / "results"
RECORDS = Store(RESULTS / "reference" / "results.jsonl").latest()


def test_there_are_figures_of_every_method():
    for source in ("predicted", "measured-cpu"):
        measured = {r.cell.adapter for r in RECORDS if r.source == source and r.status == "ok"}
        assert measured >= set(adapter_names())


@pytest.mark.parametrize(
    "path", sorted(RESULTS.rglob("*.jsonl")), ids=lambda path: path.parent.name
)
def test_each_stored_cell_reads_and_keeps_its_key(path):
    stored = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert len(stored) > 100
    for record in stored:
        cell = Cell.from_json(record["cell"])
        assert record["key"] == f"{record['source']}/{cell.key}"
        read, written = cell.to_json(), record["cell"]
        if written.get("recipe"):
            written = {**written, "recipe": read["recipe"] | written["recipe"]}
        assert read | written == read, "newer fields have their defaults"


def test_they_make_a_table():
    assert len(report_tables(RECORDS)[0].frame) == len(adapter_names())


@pytest.mark.parametrize("adapter", adapter_names())
def test_predictions_are_what_they_were(adapter):
    """As published and with all levers. If they should change, run samfit sweep bench anew, and say
    in the commit why."""
    stored = [
        record
        for record in RECORDS
        if record.source == "predicted"
        and record.cell.adapter == adapter
        and record.cell.batch_size == 4
    ]
    made_with = {record.environment["packages"]["torch"].split("+")[0] for record in stored}
    if made_with != {torch.__version__.split("+")[0]}:
        pytest.skip(f"the reference was made with torch {', '.join(made_with)}")
    assert len(stored) >= 3
    ends = [stored[0], stored[-1]]
    assert compare(ends, [predicted_once(record.cell) for record in ends]).changed == []


def test_traces_were_compared_with_rehearsals_and_agree():
    with (RESULTS / "validation" / "rehearsed.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    errors = [
        abs(int(row["traced_allocated_bytes"]) / int(row["rehearsed_allocated_bytes"]) - 1)
        for row in rows
    ]
    assert len(rows) >= 250
    assert median(errors) <= 5e-4 and max(errors) <= 6e-3

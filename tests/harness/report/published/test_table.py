"""Published figures beside rehearsals: the tables, the plot, and their files."""

import pytest
from readable import assert_no_overlap, assert_nothing_is_clipped, printed
from synthetic_records import all_text

from samfit.harness.memory.figures import Exhausted, Outcome
from samfit.harness.record.published import Comparison, Published
from samfit.harness.report.published.plot import published_plot
from samfit.harness.report.published.table import published_tables, write_published
from samfit.units import GIB

CELL = {"adapter": "lora"}
NUMBERS = {"tried_mib": 1024, "allocated_mib": 2048, "reserved_mib": 2560, "free_mib": 512}
END = Exhausted(
    requested_bytes=GIB, allocated_bytes=GIB, reserved_bytes=2 * GIB, free_bytes=GIB,
    phase="forward", module="",
)  # fmt: skip


def figure(what, match="near", **fields):
    facts = {"source": f"a thread on {what}", "what": what, "match": match, "note": "It differs."}
    cell = {} if match == "none" else {"cell": CELL}
    return Published.from_json({**facts, **cell, **fields})


@pytest.fixture
def found():
    peak = {"instrument": "max_memory_allocated", "measured_mib": 2000}
    ran = Outcome(allocated_bytes=GIB, reserved_bytes=GIB)
    out = Outcome(exhausted=END)
    return [
        Comparison(figure("a peak", "exact", **peak, card="Imaginary GPU", torch="9.9"), ran),
        Comparison(figure("a message", instrument="message", message=NUMBERS), out),
        Comparison(figure("luck", instrument="message", message=NUMBERS), ran),
        Comparison(figure("an end", instrument="ran out", card="Imaginary GPU"), out),
        Comparison(figure("no Cell", "none", **peak), None),
    ]


def test_each_figure_stands_where_it_belongs_with_its_number(found):
    peaks, messages, ends, notes, others = (table.frame for table in published_tables(found))
    assert peaks.to_numpy().tolist() == [
        ["a peak [1]", "max_memory_allocated", "2,000", "1,024", "-48.8%", "exact"]
    ]
    assert messages.to_numpy().tolist() == [
        ["a message [2]", "1.00 / 1.00", "2.00 / 1.00", "2.50 / 2.00", "0.50 / 1.00", "-50.0%",
         "near"],
        ["luck [3]", "1.00 / –", "2.00 / –", "2.50 / –", "0.50 / –", "–", "near"],
    ]  # fmt: skip
    assert ends.to_numpy().tolist() == [
        ["an end [4]", "Imaginary GPU", "ran out", "ran out", "near"]
    ]
    assert notes["no."].tolist() == ["[1]", "[2]", "[3]", "[4]"]
    assert notes["what it is"][0] == "Imaginary GPU, torch 9.9. It differs."
    assert others["figure"].tolist() == ["no Cell [5]"]
    assert others["why"].tolist() == ["It differs."]


def test_a_terminal_shows_them(found):
    text = "".join(printed(table, 120) for table in published_tables(found))
    assert "a peak [1]" in text and "2.00 / 1.00" in text


def test_the_plot_has_a_row_for_each_difference_exact_ones_on_top(found):
    drawn = published_plot(found[::-1], "a test")
    assert_nothing_is_clipped(drawn)
    assert_no_overlap(drawn)
    rows = [label.get_text() for label in drawn.axes[0].get_yticklabels()]
    assert rows == ["a peak", "a message, ran out"]
    assert "-48.8%" in all_text(drawn)


def test_the_files(found, tmp_path):
    paths = write_published(found, tmp_path / "published")
    assert [path.name for path in paths] == ["table.md", "published.png", "published.svg"]
    text = paths[0].read_text(encoding="utf-8")
    assert all(table.to_markdown() in text for table in published_tables(found))
    assert "torch" in text.splitlines()[-1]

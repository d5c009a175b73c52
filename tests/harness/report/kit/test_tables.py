"""Tables as Markdown and in a terminal, and words and numbers that tables and plots share."""

import pytest
from readable import made, printed
from synthetic_records import GIB, MIB, predicted, scored

from samfit.adapters.core.registry import adapter_names
from samfit.harness.report.accuracy.table import tasks_table
from samfit.harness.report.kit.describe import size
from samfit.harness.report.kit.tables import decimals_for, in_lines
from samfit.harness.report.memory.table import memory_table


@pytest.mark.parametrize(
    ("nbytes", "text"), [(512, "0.50 KiB"), (3 * MIB, "3.00 MiB"), (5 * GIB // 2, "2.50 GiB")]
)
def test_sizes_have_the_unit_that_suits_them(nbytes, text):
    assert size(nbytes) == text


def test_markdown_keeps_the_thousands_separator_and_aligns_numbers():
    text = made(memory_table, [predicted()]).to_markdown()
    for part in ("| Cad", " 10,240 |", "-----------:|"):
        assert part in text


def test_brackets_are_text_not_markup():
    table = made(memory_table, [predicted(settings={"blocks": [1, 2], "note": "[bold]"})])
    text = printed(table._replace(title="[bold]"), 120)
    assert "blocks=[1, 2]" in text and text.count("[bold]") == 2


def test_names_of_all_methods_take_one_line_where_there_is_room(every_adapter):
    lines = printed(made(memory_table, every_adapter), 100).splitlines()
    for title in {record.method.title for record in every_adapter}:
        assert any(line.startswith(f"{title} ") for line in lines), title


def test_in_eighty_columns_all_numbers_are_shown_and_names_take_two_lines_at_most(every_adapter):
    table = made(memory_table, every_adapter)
    lines = printed(table).splitlines()
    for name, *cells in table.frame.itertuples(index=False):
        (place,) = (i for i, line in enumerate(lines) if line.split()[-len(cells) :] == cells)
        beginning = " ".join(lines[place].split()[: -len(cells)])
        assert name in (beginning, f"{beginning} {lines[place + 1].strip()}")


@pytest.mark.parametrize("width", [80, 120, 200])
def test_spreads_are_shown_in_a_terminal_of_any_width(width):
    tasks = ("camouflage", "shadow", "polyp", "lesion", "leaf_disease", "road", "transparent")
    names = adapter_names()
    records = [scored(name, t, s, 0.5 + 0.1 * s) for name in names for t in tasks for s in (0, 1)]
    text = printed(made(tasks_table, records), width)
    assert max(map(len, text.splitlines())) <= width
    for figure in ("0.550", "0.071"):
        assert text.count(figure) == len(names) * (len(tasks) + 1)


@pytest.mark.parametrize(
    ("name", "after", "lines"),
    [
        ("a.bb.ccc", ".", ["a.bb.", "ccc"]),
        ("blocks.attention", ".", ["blocks.", "attention"]),
        ("short", ".", ["short"]),
        ("/a/b/train.py:3", "/", ["/a/b/", "train.py:3"]),
    ],
)
def test_names_are_broken_after_a_sign_alone(name, after, lines):
    assert in_lines(name, after, 5) == "\n".join(lines)


def test_parts_of_few_bytes_have_more_decimals():
    assert [decimals_for(nbytes) for nbytes in (2**30, 2**30 - 1, 2**20, 2**20 - 1)] == [0, 1, 1, 3]

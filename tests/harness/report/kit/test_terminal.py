"""What a user reads in a terminal, without colour."""

import io
from dataclasses import replace

import pytest
from rich.console import Console
from synthetic_records import predicted

from samfit.harness.report.kit.tables import memory_table, terminal_table
from samfit.harness.report.kit.terminal import catalogue_table, record_summary

ENTRIES = [
    {
        "name": "cobot_adaptformer",
        "source": "arXiv 0000.00000",
        "serial": True,
        "mergeable": False,
        "trains": ["own parameters", "part of prompt encoder", "mask decoder"],
        "levers": ["checkpointing"],
        "params": {
            "vit_tiny": {"adapter": 4_000, "trainable": 196_000},
            "vit_h": {"adapter": 637_026_000, "trainable": 641_084_000},
        },
    },
    {
        "name": "decoder",
        "source": "baseline",
        "serial": False,
        "mergeable": True,
        "trains": ["mask decoder"],
        "levers": ["attention", "encoder-micro-batch"],
        "params": {
            "vit_tiny": {"adapter": 0, "trainable": 191_000},
            "vit_h": {"adapter": 0, "trainable": 4_058_000},
        },
    },
]


def printed(what, width):
    console = Console(width=width, file=io.StringIO(), color_system=None)
    console.print(what)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [80, 120])
def test_the_catalogue_tells_what_each_adapter_is_and_can_do(width):
    lines = printed(catalogue_table(ENTRIES), width).splitlines()
    first, second = (
        next(number for number, line in enumerate(lines) if line.startswith(entry["name"]))
        for entry in ENTRIES
    )
    assert lines[first].split() == [
        "cobot_adaptformer", "serial", "own", "parameters", "no", "checkpointing",
    ]  # fmt: skip
    assert lines[first + 1].split() == ["arXiv", "0000.00000", "part", "of", "prompt", "encoder"]
    assert lines[second].split() == ["decoder", "parallel", "mask", "decoder", "yes", "attention"]
    assert lines[second + 1].split() == ["baseline", "encoder-micro-batch"]


@pytest.mark.parametrize("width", [80, 120])
def test_the_catalogue_gives_parameters_of_the_adapter_and_of_all_that_is_trained(width):
    rows = [line.split() for line in printed(catalogue_table(ENTRIES), width).splitlines()]
    assert ["cobot_adaptformer", "0.004", "0.196", "637.026", "641.084"] in rows
    assert ["decoder", "0.000", "0.191", "0.000", "4.058"] in rows


def test_the_catalogue_explains_its_words():
    text = " ".join(printed(catalogue_table(ENTRIES), 80).split())
    for part in (
        "serial: gradients flow", "parallel: they do not", "merges: whether",
        "levers: options that save memory without changing what the method computes",
        "of the adapter alone, and of all that is trained",
    ):  # fmt: skip
        assert part in text


def test_the_summary_says_what_a_prediction_assumes():
    record = predicted()
    assert "assumes" not in printed(record_summary(record), 120)
    assuming = replace(record, assumption="all experts work alike")
    assert "assumes         all experts work alike" in printed(record_summary(assuming), 120)


def test_names_of_all_methods_take_one_line_where_there_is_room(every_adapter):
    lines = printed(terminal_table(*memory_table(every_adapter)), 100).splitlines()
    for title in {record.method.title for record in every_adapter}:
        assert any(line.startswith(f"{title} ") for line in lines), title


def test_in_eighty_columns_all_numbers_are_shown_and_names_take_two_lines_at_most(every_adapter):
    table = memory_table(every_adapter)
    lines = printed(terminal_table(*table), 80).splitlines()
    for name, *cells in table.frame.itertuples(index=False):
        (place,) = (i for i, line in enumerate(lines) if line.split()[-len(cells) :] == cells)
        beginning = " ".join(lines[place].split()[: -len(cells)])
        assert name in (beginning, f"{beginning} {lines[place + 1].strip()}")

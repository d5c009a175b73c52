"""What is shown as published, and that nothing with levers mixes with it."""

import pytest
from readable import made
from synthetic_records import measured, predicted, with_levers

from samfit.harness.record.cell import Cell
from samfit.harness.record.lever import LEVERS
from samfit.harness.report.agreement.table import agreement_table
from samfit.harness.report.kit.select import (
    is_as_published,
    memory_records,
    time_records,
)
from samfit.harness.report.memory.batch_plot import memory_vs_batch
from samfit.harness.report.memory.table import memory_table

PUBLISHED = [predicted("cad"), predicted("lora", peak_gib=26, serial=True)]


@pytest.mark.parametrize("lever", LEVERS, ids=lambda lever: lever.name)
def test_a_cell_with_any_lever_is_not_as_published(lever):
    cell = Cell(adapter="cad", batch_size=4)
    assert is_as_published(cell)
    assert not is_as_published(lever.apply(cell))


def test_other_conditions_and_settings_are_no_levers():
    cell = Cell(adapter="cad", settings={"scale": 2}, prompt="none", seed=3, loss="structure")
    assert is_as_published(cell)


def test_tables_and_plots_show_the_methods_as_published_only():
    both = with_levers(PUBLISHED)
    assert len(both) > len(PUBLISHED)
    assert memory_records(both) == PUBLISHED
    tables = [made(memory_table, records).to_markdown() for records in (both, PUBLISHED)]
    assert tables[0] == tables[1]
    lines = [made(memory_vs_batch, records).axes[0].lines for records in (both, PUBLISHED)]
    assert len(lines[0]) == len(lines[1])


def test_measurements_with_levers_mix_with_nothing_either():
    lowered = measured("cad", speed=30, attention="sdpa")
    assert time_records([lowered, measured("cad", speed=10)])[0].timing.images_per_second == 10
    assert made(agreement_table, [*PUBLISHED, predicted("cad", attention="sdpa"), lowered]) is None


def test_what_is_as_published_comes_before_a_better_source():
    records = [predicted("cad", attention="sdpa"), measured("cad", peak_gib=3)]
    assert [r.source for r in memory_records(records)] == ["measured-cuda"]


def test_records_with_levers_alone_are_still_shown():
    alone = [predicted("cad", precision=p, attention="sdpa") for p in ("fp32", "bf16")]
    assert set(made(memory_table, alone).frame["method"]) == {"Cad", "Cad (precision=bf16)"}

"""What is shown as published, and that nothing with levers mixes with it."""

import pytest
from readable import made
from synthetic_records import measured, predicted, with_levers

from samfit.harness.record.cell import Cell
from samfit.harness.record.lever import LEVERS
from samfit.harness.report.agreement.table import agreement_table
from samfit.harness.report.kit.select import is_as_published, memory_records, time_records
from samfit.harness.report.memory.batch_plot import memory_vs_batch
from samfit.harness.report.memory.table import memory_table

PUBLISHED = [predicted("cad"), predicted("lora", peak_gib=26, serial=True)]


@pytest.mark.parametrize("lever", LEVERS, ids=lambda lever: lever.name)
def test_a_cell_with_any_lever_is_not_as_published(lever):
    assert not is_as_published(lever.apply(Cell(adapter="cad", batch_size=4)))
    others = {"settings": {"scale": 2}, "prompt": "none", "seed": 3, "loss": "structure"}
    assert is_as_published(Cell(adapter="cad", batch_size=4, **others))


def test_tables_and_plots_show_only_what_is_as_published():
    both = with_levers(PUBLISHED)
    assert len(both) > len(PUBLISHED)
    assert memory_records(both) == PUBLISHED
    assert made(memory_table, both).to_markdown() == made(memory_table, PUBLISHED).to_markdown()
    drawn = [made(memory_vs_batch, records).axes[0].lines for records in (both, PUBLISHED)]
    assert len(drawn[0]) == len(drawn[1])
    lowered = measured("cad", speed=30, attention="sdpa")
    assert time_records([lowered, measured("cad", speed=10)])[0].timing.images_per_second == 10
    assert made(agreement_table, [*PUBLISHED, predicted("cad", attention="sdpa"), lowered]) is None


def test_what_is_as_published_comes_before_a_better_source_but_levers_alone_are_shown():
    records = [predicted("cad", attention="sdpa"), measured("cad", peak_gib=3)]
    assert [r.source for r in memory_records(records)] == ["measured-cuda"]
    alone = [predicted("cad", precision=p, attention="sdpa") for p in ("fp32", "bf16")]
    assert set(made(memory_table, alone).frame["method"]) == {"Cad", "Cad (precision=bf16)"}

"""Rehearsals against what others measured: nothing here was fitted."""

from importlib.metadata import version
from pathlib import Path

import pytest
from user_error import user_error

import samfit
from samfit import Cell, compare_published
from samfit.harness.record.published import published
from samfit.harness.report.published.table import published_tables
from samfit.harness.run import published as room
from samfit.units import GIB, MIB

TABLE = Path(__file__).parents[3] / "results" / "published" / "table.md"
EXACT = [figure for figure in published() if figure.match == "exact"]
(MEDSAM,) = (f for f in EXACT if "MedSAM" in f.source and f.message)
(AMG,) = (f for f in EXACT if f.source.endswith("segment-anything/issues/78"))


def ended(figure):
    (found,) = compare_published([figure])
    return found


@pytest.mark.parametrize("figure", EXACT, ids=lambda figure: figure.what)
def test_where_the_cell_is_what_was_run_both_figures_are_within_two_percent(figure):
    found = ended(figure)
    if figure.instrument == "ran out":
        assert found.outcome.exhausted
    else:
        assert abs(found.difference) < 0.015


@pytest.mark.parametrize(("backbone", "mib"), [("vit_b", 19_934), ("vit_h", 28_806)])
def test_inference_at_batch_8_is_within_a_few_thousandths(backbone, mib):
    found = samfit.predict(Cell(adapter="decoder", phase="infer", backbone=backbone, batch_size=8))
    assert found.memory.peak_allocated_bytes / MIB == pytest.approx(mib, rel=0.006)


def test_full_fine_tuning_ends_where_medsams_did_on_a_card_of_10_gb():
    """Tried 1.50 GiB, allocated 7.76, reserved 7.91, free 1.20; see the source."""
    end = ended(MEDSAM).outcome.exhausted
    assert end.requested_bytes == 1.5 * GIB
    assert f"{end.allocated_bytes / GIB:.2f}" == "7.76"
    assert end.reserved_bytes / GIB == pytest.approx(7.91, abs=0.02)
    assert end.free_bytes / GIB == pytest.approx(1.20, abs=0.02)
    assert (end.phase, end.module) == ("forward", "sam.image_encoder.blocks.5.attn")


def test_the_same_is_so_on_the_card_of_that_name():
    """It has 0.27 GiB more there, since no desktop takes its part."""
    card = "RTX 3080 10GB"
    cell = Cell(adapter="full", batch_size=2, loss="dice_ce", gpu=card)
    end = samfit.predict(cell).oom
    assert end.requested_bytes == 1.5 * GIB
    assert f"{end.allocated_bytes / GIB:.2f}" == "7.76"


def test_a_forward_pass_ends_where_that_of_a_stranger_did_on_a_card_of_6_gb():
    """Tried 1024 MiB, allocated 3.60 GiB, reserved 3.73 GiB, free 788.38 MiB; see the source."""
    end = ended(AMG).outcome.exhausted
    assert end.requested_bytes == GIB
    assert end.allocated_bytes / GIB == pytest.approx(3.60, abs=0.01)
    assert end.reserved_bytes / GIB == pytest.approx(3.73, abs=0.07)
    assert end.module == "sam.image_encoder.blocks.7.attn"


def test_sam_adapter_is_near_the_script_that_cads_authors_compare_with():
    """29,543 MiB: their own training script, run by PyTorch's CUDA code without a GPU."""
    cell = Cell(adapter="sam_adapter", settings={"variant": "cad"}, batch_size=4)
    memory = samfit.predict(cell).memory
    assert memory.peak_allocated_bytes / MIB == pytest.approx(29_543, rel=0.03)
    assert memory.peak_reserved_bytes / MIB == pytest.approx(31_146, rel=0.03)


@pytest.mark.slow
def test_the_stored_tables_are_what_is_found_now():
    """If they should change, run samfit published anew, and say in the commit why."""
    stored = TABLE.read_text(encoding="utf-8")
    if f"torch {version('torch')}." not in stored:
        pytest.skip("the tables were made with another torch")
    for table in published_tables(list(compare_published())):
        assert table.to_markdown() in stored


def test_without_a_rehearsal_there_is_nothing_to_compare(monkeypatch):
    monkeypatch.setattr(room, "why_not_rehearsed", lambda cell: "this torch has no CUDA.")
    with user_error("published figures", "this torch has no CUDA."):
        list(compare_published([MEDSAM]))

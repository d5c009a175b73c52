"""Training with and without cached embeddings, compared."""

import pytest

from samfit.bench.cache import compare
from samfit.harness.record.cell import Cell


@pytest.mark.parametrize("batch_size", [1, 4])
def test_compares_as_many_steps_as_are_asked_for_and_learns_the_same(batch_size):
    cell = Cell(adapter="cad", backbone="vit_tiny", batch_size=batch_size, device="cpu")
    figures = compare(cell, rounds=3)
    assert figures["speedup_p10"] <= figures["speedup_median"] <= figures["speedup_p90"]
    assert min(figures["without_ms"], figures["with_ms"]) > 0
    assert figures["loss_difference"] < 1e-4

"""Time of a batched step beside a naive one; ``--benchmark-group-by=group`` shows their ratio."""

from typing import Any

import pytest

from samfit.bench.batched import Comparison
from samfit.bench.cells import BATCHED_CELLS, name

ROUNDS = 3  # a row; the two rows of a method are measured together, so that each pair counts twice


@pytest.fixture(scope="module", params=BATCHED_CELLS, ids=name)
def comparison(request: pytest.FixtureRequest) -> Comparison:
    """One for both rows of a method."""
    return Comparison(request.param)


@pytest.mark.parametrize("way", ["batched", "naive"])
def test_batched(benchmark: Any, comparison: Comparison, way: str) -> None:
    """Two rows a method, which stand together; before each round the other way runs once."""
    cell = comparison.cell
    benchmark.group = (
        f"train {cell.backbone} on {cell.device}, batch {cell.batch_size:2}: {cell.adapter}"
    )
    ways = {"batched": comparison.batched, "naive": comparison.naive}
    measured = ways.pop(way)
    (other,) = ways.values()
    benchmark.pedantic(measured, setup=other, rounds=ROUNDS)
    benchmark.extra_info |= {"cell": cell.key, **comparison.figures()}

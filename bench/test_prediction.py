"""Time of one prediction: it should not grow with the batch."""

from typing import Any

import pytest

from samfit.bench.cells import PREDICTION_CELLS, name
from samfit.harness.predict.predict import predict
from samfit.harness.record.cell import Cell


@pytest.mark.parametrize("cell", PREDICTION_CELLS, ids=name)
def test_prediction(benchmark: Any, cell: Cell) -> None:
    """One row a method and batch size; all stand together."""
    benchmark.group = f"predict {cell.backbone}"
    record = benchmark.pedantic(predict, (cell,), rounds=3, warmup_rounds=1)
    benchmark.extra_info |= {
        "cell": cell.key,
        "peak_allocated_bytes": record.memory.peak_allocated_bytes,
    }

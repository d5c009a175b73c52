"""Time of one prediction: it should not grow with the batch."""

from typing import Any

import pytest

import samfit
from samfit.harness.run.profiles import BATCH_SIZES

CELLS = [
    samfit.Cell(adapter=name, backbone="vit_b", batch_size=batch)
    for batch in (min(BATCH_SIZES), max(BATCH_SIZES))
    for name in samfit.adapter_names()
]


@pytest.mark.parametrize("cell", CELLS)
def test_prediction(benchmark: Any, cell: samfit.Cell) -> None:
    """One row a method and batch size; all stand together."""
    benchmark.group = f"predict {cell.backbone}"
    record = benchmark.pedantic(samfit.predict, (cell,), rounds=3, warmup_rounds=1)
    benchmark.extra_info |= {
        "cell": cell.key,
        "peak_allocated_bytes": record.memory.peak_allocated_bytes,
    }

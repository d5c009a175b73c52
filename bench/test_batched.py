"""Time of one step over a batch, and of a step over each of its images."""

from dataclasses import replace
from typing import Any

import pytest
import torch

import samfit
from samfit.harness.step.step import build_step

CELLS = [
    samfit.Cell(adapter=name, backbone="vit_tiny", batch_size=4, device="cpu")
    for name in samfit.adapter_names()
]


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("way", ["at_once", "one_by_one"])
def test_batched(benchmark: Any, cell: samfit.Cell, way: str) -> None:
    """Two rows a method, which stand together."""
    benchmark.group = f"train {cell.backbone} on the CPU, batch {cell.batch_size}: {cell.adapter}"
    steps = cell.batch_size if way == "one_by_one" else 1
    step = build_step(replace(cell, batch_size=cell.batch_size // steps), torch.device("cpu"))

    def run() -> None:
        for _ in range(steps):
            step.run()

    benchmark.pedantic(run, rounds=3, warmup_rounds=1)
    benchmark.extra_info["cell"] = cell.key

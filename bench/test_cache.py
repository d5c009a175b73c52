"""Time of a training step without and with cached embeddings, which it reads from the disk."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import samfit
from samfit.harness.train.training import Training, filled_cache

ON_CUDA = torch.cuda.is_available()
CELL = samfit.Cell(
    adapter="cad",
    backbone="vit_b" if ON_CUDA else "vit_tiny",
    device="cuda" if ON_CUDA else "cpu",
    attention="sdpa",
)
IMAGES, ROUNDS = 4, 7


@pytest.mark.parametrize("cached", [False, True], ids=["encoded", "cached"])
def test_cache(benchmark: Any, cached: bool, tmp_path: Path) -> None:
    """Two rows; computing the embeddings, once, is not timed."""
    benchmark.group = f"train {CELL.adapter} on {CELL.backbone}, batch {CELL.batch_size}"
    cell = replace(CELL, cache_embeddings=cached)
    images = samfit.open_data("miniature:camouflage").train[:IMAGES]
    data = samfit.DataSet(name="camouflage", classes=1, train=images)
    training = Training(cell, samfit.Recipe(epochs=1 + ROUNDS), data)
    if cached:
        training.cache = filled_cache(cell, data.train, tmp_path)
    steps = training.run()
    benchmark.pedantic(next, (steps,), rounds=ROUNDS, warmup_rounds=1)
    benchmark.extra_info["cell"] = cell.key

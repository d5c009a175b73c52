"""Time of one step, over adapters and batch sizes."""

import gc
from dataclasses import replace
from typing import Any

import pytest
import torch

from samfit.bench.cells import DEVICE, ON_CUDA, STEP_CELLS, name
from samfit.harness.measure.measure import is_out_of_memory
from samfit.harness.predict.predict import predict
from samfit.harness.record.cell import Cell
from samfit.harness.step.step import Step, build_step

ROUNDS, WARMUP_ROUNDS = 5, 2


@pytest.mark.parametrize("cell", STEP_CELLS, ids=name)
def test_step(benchmark: Any, cell: Cell) -> None:
    """One row a method; rows of the same backbone, phase and batch size stand together."""
    benchmark.group = f"{cell.phase} {cell.backbone} on {cell.device}, batch {cell.batch_size:2}"
    predicted = predict(replace(cell, device="cuda"))
    assert predicted.params and predicted.memory
    benchmark.extra_info |= {
        "cell": cell.key,
        "images": cell.batch_size,
        "trainable_parameters": predicted.params.trainable,
        "adapter_parameters": predicted.params.adapter,
        "predicted_cuda_peak_allocated_bytes": predicted.memory.peak_allocated_bytes,
        "predicted_cuda_peak_reserved_bytes": predicted.memory.peak_reserved_bytes,
    }
    if not _fits(benchmark, cell):
        pytest.skip("out of memory")
    if ON_CUDA:
        peak = torch.cuda.max_memory_allocated()
        benchmark.extra_info["measured_peak_allocated_bytes"] = peak


def _fits(benchmark: Any, cell: Cell) -> bool:
    """Run the benchmark; by returning, it lets go of what an out-of-memory error holds on to."""
    try:
        step = build_step(cell, torch.device(DEVICE))
        benchmark.pedantic(_run, (step,), rounds=ROUNDS, warmup_rounds=WARMUP_ROUNDS)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        return False
    return True


@pytest.fixture(autouse=True)
def _fresh_memory() -> None:
    """Start each benchmark with what the one before has left given back."""
    gc.collect()
    if ON_CUDA:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def _run(step: Step) -> None:
    step.run()
    if ON_CUDA:
        torch.cuda.synchronize()

"""Time of one step, over methods and batch sizes."""

from dataclasses import replace
from typing import Any

import pytest
import torch

import samfit
from samfit.harness.memory.exhausted import is_out_of_memory
from samfit.harness.record.cell import Phase
from samfit.harness.run.profiles import MEASURED_BATCH_SIZES
from samfit.harness.step.step import Step, build_step

ON_CUDA = torch.cuda.is_available()
BACKBONES = ("vit_b", "vit_l", "vit_h") if ON_CUDA else ("vit_tiny",)
PHASES: tuple[Phase, ...] = ("train", "infer")
CELLS = [
    samfit.Cell(
        adapter=name,
        backbone=backbone,
        batch_size=batch,
        phase=phase,
        device="cuda" if ON_CUDA else "cpu",
    )
    for phase in PHASES
    for backbone in BACKBONES
    for batch in MEASURED_BATCH_SIZES
    for name in samfit.adapter_names()
]
ROUNDS, WARMUP_ROUNDS = 5, 2


@pytest.mark.parametrize("cell", CELLS)
def test_step(benchmark: Any, cell: samfit.Cell) -> None:
    """One row a method; rows of the same backbone, phase and batch size stand together."""
    benchmark.group = f"{cell.phase} {cell.backbone} on {cell.device}, batch {cell.batch_size:2}"
    predicted = samfit.predict(replace(cell, device="cuda"))
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


def _fits(benchmark: Any, cell: samfit.Cell) -> bool:
    """Run the benchmark; by returning, it lets go of what an out-of-memory error holds on to."""
    try:
        step = build_step(cell, torch.device(cell.device))
        benchmark.pedantic(_run, (step,), rounds=ROUNDS, warmup_rounds=WARMUP_ROUNDS)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        return False
    return True


def _run(step: Step) -> None:
    step.run()
    if ON_CUDA:
        torch.cuda.synchronize()

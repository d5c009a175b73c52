"""The Cells that the suites run: real backbones where there is CUDA, the miniature elsewhere."""

import torch

from samfit.adapters.core.registry import adapter_names
from samfit.harness.record.cell import Cell, Device, Phase
from samfit.harness.run.profiles import BATCH_SIZES, MEASURED_BATCH_SIZES

ON_CUDA = torch.cuda.is_available()
DEVICE: Device = "cuda" if ON_CUDA else "cpu"
BACKBONES = ("vit_b", "vit_l", "vit_h") if ON_CUDA else ("vit_tiny",)
PHASES: tuple[Phase, ...] = ("train", "infer")

STEP_CELLS = [
    Cell(adapter=name, backbone=backbone, batch_size=batch, phase=phase, device=DEVICE)
    for phase in PHASES
    for backbone in BACKBONES
    for batch in MEASURED_BATCH_SIZES
    for name in adapter_names()
]
PREDICTION_CELLS = [
    Cell(adapter=name, backbone="vit_b", batch_size=batch)
    for batch in (min(BATCH_SIZES), max(BATCH_SIZES))
    for name in adapter_names()
]
BATCHED_CELLS = [
    Cell(adapter=name, backbone="vit_tiny", batch_size=4, device="cpu") for name in adapter_names()
]


def name(cell: Cell) -> str:
    """A short and stable test id, so that stored runs can be compared."""
    return f"{cell.adapter}-{cell.backbone}-b{cell.batch_size}-{cell.phase}"

"""Time of CAD's branch, forward and backward, as published and in its lean form."""

from typing import Any

import pytest
import torch

from samfit.adapters.parts.conv_branch import ConvBranch
from samfit.adapters.parts.lean.branch import LeanBranch

ON_CUDA = torch.cuda.is_available()
CHANNELS = 256  # of SAM's embedding
GRIDS = (16, 64) if ON_CUDA else (16, 32)  # its side; 64 is SAM's own and takes a CPU a minute


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("form", [ConvBranch, LeanBranch])
def test_lean(benchmark: Any, form: type[ConvBranch], grid: int) -> None:
    """Two rows a size, which stand together."""
    benchmark.group = f"CAD's branch, batch 1, {16 * grid} x {16 * grid}"
    device = torch.device("cuda" if ON_CUDA else "cpu")
    with device:
        torch.manual_seed(0)
        branch = form(6, CHANNELS, (grid, grid)).train()
        images = 255 * torch.rand(1, 6, 8 * grid, 8 * grid)
        gradient = torch.randn(1, CHANNELS, grid, grid)

    def run() -> None:
        branch.zero_grad(set_to_none=True)
        branch(images).backward(gradient)
        if ON_CUDA:
            torch.cuda.synchronize()

    benchmark.pedantic(run, rounds=2, warmup_rounds=1)

"""How much faster CAD's lean branch is than the plain one, forward and backward, on the CPU."""

import copy
import json
from typing import Annotated

import numpy as np
import torch
import typer
from rich.console import Console
from rich.progress import track
from torch import Tensor

from samfit.adapters.parts.conv_branch import ConvBranch
from samfit.adapters.parts.lean.branch import LeanBranch
from samfit.bench.pairs import milliseconds, speedup

CHANNELS, GRID = 256, 64  # of SAM's embedding at 1024 x 1024: the branch reads 512 x 512


class Pair:
    """A plain and a lean branch with the same parameters, and what both are run on."""

    def __init__(self, batch_size: int, channels: int, grid: int) -> None:
        torch.manual_seed(0)
        self.plain = ConvBranch(6, channels, (grid, grid))
        self.lean = LeanBranch(6, channels, (grid, grid))
        self.lean.load_state_dict(copy.deepcopy(self.plain.state_dict()))
        self._images = 255 * torch.rand(batch_size, 6, 8 * grid, 8 * grid)
        self._towards = torch.randn(batch_size, channels, grid, grid)

    def milliseconds(self, branch: ConvBranch) -> float:
        """Time one forward and backward pass in training."""
        branch.train().zero_grad(set_to_none=True)
        return milliseconds(lambda: self.output(branch).backward(self._towards))

    def output(self, branch: ConvBranch) -> Tensor:
        """What ``branch`` makes of the images."""
        return branch(self._images)


def compare(pair: Pair, rounds: int) -> dict[str, float]:
    """Median times of ``rounds`` runs of each in turn, after one of each to warm up, and statistics
    of the pairs' ratio, plain over lean."""
    branches = (pair.plain, pair.lean)
    times = [
        [pair.milliseconds(branch) for branch in branches]
        for _ in track(range(1 + rounds), "comparing", console=Console(stderr=True), transient=True)
    ][1:]
    plain, lean = np.transpose(times)
    return {
        "plain_ms": float(np.median(plain)),
        "lean_ms": float(np.median(lean)),
        **speedup(plain, lean),
    }


def main(
    batch_size: Annotated[int, typer.Option(min=1, help="Images.")] = 2,
    rounds: Annotated[int, typer.Option(min=1, help="Timed runs of each.")] = 5,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON in place of words.")] = False,
) -> None:
    """Time CAD's branch, plain and lean, at SAM's own size on the CPU: half a minute a round."""
    figures = compare(Pair(batch_size, CHANNELS, GRID), rounds)
    if json_:
        print(json.dumps(figures, indent=2))
        return
    print(
        "CAD's branch, forward and backward, batch {0}, {1} CPU threads: plain {plain_ms:,.0f} ms, "
        "lean {lean_ms:,.0f} ms, {speedup_median:.2f} times as fast ({speedup_p10:.2f} to "
        "{speedup_p90:.2f}).".format(batch_size, torch.get_num_threads(), **figures)
    )


if __name__ == "__main__":
    typer.run(main)

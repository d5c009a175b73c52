"""How much faster a training step is with cached embeddings, and whether it learns the same."""

import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from rich.console import Console
from rich.progress import track

from samfit.adapters.core.registry import canonical_settings
from samfit.bench.pairs import speedup
from samfit.harness.miniature.dataset import miniature
from samfit.harness.record.cell import Cell
from samfit.harness.record.recipe import Recipe
from samfit.harness.train.training import Training, filled_cache

IMAGES = 4


def compare(cell: Cell, rounds: int) -> dict[str, float]:
    """Train twice with the same seed, without and with cached embeddings, step by step in turn.

    Reading the embeddings from the disk is part of the step; computing them, once, is not. The
    first step of each warms up.

    Returns:
        median times, statistics of the pairs' ratio, and the largest difference of two losses,
        relative to the loss.
    """
    data = replace(miniature("camouflage", train=IMAGES, test=0), val=())
    recipe = Recipe(epochs=1 + rounds)  # of a step at least, so there are enough
    device = torch.device(cell.device)
    with tempfile.TemporaryDirectory() as folder:
        plain = Training(cell, recipe, data, device)
        cached = Training(replace(cell, cache_embeddings=True), recipe, data, device)
        cached.cache = filled_cache(cached.cell, data.train, Path(folder), device)
        runs = [(training.history, training.run()) for training in (plain, cached)]
        times = []
        for _ in track(
            range(1 + rounds), "comparing", console=Console(stderr=True), transient=True
        ):
            before = [history.train_ms for history, _ in runs]
            after = [next(run).train_ms for _, run in runs]
            times.append(np.subtract(after, before))
    without, with_cache = np.transpose(times[1:])
    losses = np.array([history.losses for history, _ in runs])
    return {
        "without_ms": float(np.median(without)),
        "with_ms": float(np.median(with_cache)),
        **speedup(without, with_cache),
        "loss_difference": float((abs(losses[0] - losses[1]) / losses[0]).max()),
    }


def main(
    adapter: Annotated[
        str, typer.Argument(help="A method that can use cached embeddings.")
    ] = "cad",
    backbone: Annotated[str, typer.Option(help="vit_tiny, vit_b, vit_l or vit_h.")] = "vit_b",
    batch_size: Annotated[int, typer.Option(min=1, max=IMAGES, help="Images per step.")] = 1,
    rounds: Annotated[int, typer.Option(min=1, help="Timed steps of each.")] = 7,
    lean: Annotated[bool, typer.Option(help="CAD's lean branch.")] = True,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON in place of words.")] = False,
) -> None:
    """Time training steps on the CPU, at the backbone's own size, without and with the cache."""
    settings = {"lean": True} if lean and adapter == "cad" else {}
    cell = Cell(
        adapter=adapter,
        settings=canonical_settings(adapter, settings),
        backbone=backbone,
        batch_size=batch_size,
        attention="sdpa",
        device="cpu",
    )
    figures = compare(cell, rounds)
    if json_:
        print(json.dumps(figures, indent=2))
        return
    print(
        "{0} on {1}, batch {2}, {3} CPU threads: without a cache {without_ms:,.0f} ms, with it "
        "{with_ms:,.0f} ms, {speedup_median:.2f} times as fast ({speedup_p10:.2f} to "
        "{speedup_p90:.2f}); losses differ by {loss_difference:.1e} at most.".format(
            adapter, backbone, batch_size, torch.get_num_threads(), **figures
        )
    )


if __name__ == "__main__":
    typer.run(main)

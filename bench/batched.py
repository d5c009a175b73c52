"""How much faster a step over a batch is than one over its images in turn: a table, or JSON."""

import json
from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
import torch
import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import track
from rich.table import Table

from samfit.bench.cells import BATCHED_CELLS
from samfit.bench.naive import naive_step
from samfit.bench.pairs import milliseconds, speedup
from samfit.harness.record.cell import Cell
from samfit.harness.step.step import build_step


class Comparison:
    """The training step of a Cell on the CPU, batched and naive.

    Run the two in turn: what else the machine does then slows both, and a pair's ratio hardly
    changes. Both start warm, and work on the same weights, batch and optimizer.

    Attributes:
        cell: what is run.
        batched_ms, naive_ms: the times so far; equal positions are a pair.
    """

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        self.batched_ms: list[float] = []
        self.naive_ms: list[float] = []
        self._step = build_step(cell, torch.device(cell.device))
        self._step.run()
        naive_step(self._step)

    def batched(self) -> None:
        """Time one step over the whole batch."""
        self.batched_ms.append(milliseconds(self._step.run))

    def naive(self) -> None:
        """Time one step that takes image after image."""
        self.naive_ms.append(milliseconds(lambda: naive_step(self._step)))

    def figures(self) -> dict[str, float]:
        """Median times, and statistics of the pairs' ratio, naive over batched."""
        return {
            "batched_ms": float(np.median(self.batched_ms)),
            "naive_ms": float(np.median(self.naive_ms)),
            **speedup(self.naive_ms, self.batched_ms),
        }


def main(
    rounds: Annotated[int, typer.Option(min=1, help="Pairs of timed steps a method.")] = 10,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON in place of a table.")] = False,
) -> None:
    """Time a batched training step of every method against a naive one, on the CPU."""
    rows = []
    for cell in track(BATCHED_CELLS, "comparing", console=Console(stderr=True), transient=True):
        comparison = Comparison(cell)
        for _ in range(rounds):
            comparison.naive()
            comparison.batched()
        rows.append({"adapter": cell.adapter, **comparison.figures()})
    if json_:
        print(json.dumps(rows, indent=2))
    else:
        Console().print(_table(rows))


def _table(rows: Sequence[dict[str, Any]]) -> Table:
    cell, threads = BATCHED_CELLS[0], torch.get_num_threads()
    title = f"One training step, {cell.backbone}, batch {cell.batch_size}, {threads} CPU threads"
    table = Table("adapter", title=title, caption="speed-up: median (p10 to p90)", box=SIMPLE)
    for header in ("batched, ms", "naive, ms", "speed-up"):
        table.add_column(header, justify="right")
    for row in rows:
        table.add_row(
            row["adapter"],
            f"{row['batched_ms']:.1f}",
            f"{row['naive_ms']:.1f}",
            "{speedup_median:.2f} ({speedup_p10:.2f} to {speedup_p90:.2f})".format(**row),
        )
    return table


if __name__ == "__main__":
    typer.run(main)

"""Kill a sweep again and again, and see that nothing is lost: ``python -m bench.kills``."""

import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from adapters.core.errors import UserError
from harness.record import Measurement, Timing
from harness.report.write import captioned_tables
from harness.store import Store

GRID = {"adapter": ["decoder", "cad", "lora", "lst", "ssf"], "batch_size": [1, 2, 3, 4]}
CELLS = 20
LONGEST_S = 12.0  # after which a sweep is killed at the latest; starting takes some of them


def sweep(folder: Path) -> list[str]:
    """The command line of a sweep of 20 small Cells, half of them predicted, half measured."""
    predicted = {**GRID, "batch_size": [1, 2], "backbone": "vit_tiny"}
    measured = {**GRID, "batch_size": [1, 2], "backbone": "vit_tiny", "device": "cpu"}
    profile = folder / "profile.json"
    profile.write_text(json.dumps({"predict": [predicted], "measure": [measured]}))
    start = [sys.executable, "-c", "from harness.cli import command; command()"]
    return [*start, "sweep", str(profile), "--output", str(folder / "results.jsonl")]


def kill_at_random(command: Sequence[str], chance: random.Random) -> bool:
    """Start a sweep and kill it, and all it has started; whether it was still running."""
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    time.sleep(chance.uniform(0, LONGEST_S))
    running = process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    return running


def without_times(records: Sequence[Measurement]) -> list[Measurement]:
    """Records in the order of their keys, with nothing in them that no two runs share."""
    plain = [
        replace(r, timing=Timing(), started=None, duration_ms=None, environment={}) for r in records
    ]
    return sorted(plain, key=lambda record: record.key)


def compare(kills: int, seed: int) -> dict[str, int]:
    """Kill a sweep so many times, let it finish, and compare with one that was left in peace.

    Whenever it is over, it begins anew in another folder.

    Raises:
        UserError: if a finished Cell was lost or repeated, or the records differ.
    """
    chance, done, sweeps, killed = random.Random(seed), 0, 0, 0
    with tempfile.TemporaryDirectory() as peaceful:
        subprocess.run(sweep(Path(peaceful)), check=True, stderr=subprocess.DEVNULL)
        expected = without_times(Store(Path(peaceful) / "results.jsonl").load())
    bar = iter(track(range(kills), "killing", console=Console(stderr=True)))
    while killed < kills:
        with tempfile.TemporaryDirectory() as folder:
            command, results = sweep(Path(folder)), Store(Path(folder) / "results.jsonl")
            finished: list[str] = []
            while killed < kills and len(finished) < CELLS:
                running = kill_at_random(command, chance)
                killed += running
                if running:
                    next(bar, None)
                keys = [record.key for record in results.load()]
                if keys[: len(finished)] != finished or len(set(keys)) != len(keys):
                    raise UserError(f"after {killed} kills Cells are lost or there twice: {keys}.")
                finished = keys
            subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
            found = without_times(results.load())
            for one, other in zip(found, expected, strict=True):
                if one != other:
                    raise UserError(f"after {killed} kills a record differs: {one}; {other}.")
            tables = [t.frame.to_csv() for t in captioned_tables(found)]
            if tables != [t.frame.to_csv() for t in captioned_tables(expected)]:
                raise UserError(f"after {killed} kills the tables differ.")
            sweeps, done = sweeps + 1, done + len(found)
    return {"kills": killed, "sweeps": sweeps, "cells": done}


def main(
    kills: Annotated[int, typer.Option(min=1, help="How often.")] = 100,
    seed: Annotated[int, typer.Option(help="Of the moments.")] = 0,
) -> None:
    """Kill a sweep of 20 small Cells at random moments; every finished Cell must be there once."""
    print(json.dumps(compare(kills, seed)))


if __name__ == "__main__":
    typer.run(main)

"""Kill a sweep again and again, and see that nothing is lost: ``python -m samfit.bench.kills``."""

import json
import random
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
from rich.progress import Progress

from samfit.errors import UserError
from samfit.harness.record.record import Record, Timing
from samfit.harness.record.store import Store
from samfit.harness.report.write import captioned_tables

GRID = {
    "adapter": ["decoder", "cad", "lora", "lst", "ssf"],
    "batch_size": [1, 2],
    "backbone": "vit_tiny",
}
CELLS = 20
LONGEST_S = 12.0  # after which a sweep is killed at the latest; starting takes some of them


def sweep(folder: Path) -> list[str]:
    """The command line of a sweep of 20 small Cells, half of them predicted, half measured."""
    profile = folder / "profile.json"
    profile.write_text(json.dumps({"predict": [GRID], "measure": [{**GRID, "device": "cpu"}]}))
    start = [sys.executable, "-c", "from samfit.harness.cli.main import command; command()"]
    return [*start, "sweep", str(profile), "--output", str(folder / "results.jsonl")]


def finish(folder: Path) -> list[Record]:
    """Let the sweep in ``folder`` end; its records, comparable with those of another."""
    subprocess.run(sweep(folder), check=True, stderr=subprocess.DEVNULL)
    return without_times(Store(folder / "results.jsonl").load())


def kill_at_random(command: Sequence[str], chance: random.Random) -> bool:
    """Start a sweep and kill it; whether it was still running. Its workers end by themselves."""
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    time.sleep(chance.uniform(0, LONGEST_S))
    running = process.poll() is None
    process.kill()
    process.wait()
    return running


def without_times(records: Sequence[Record]) -> list[Record]:
    """Records in the order of their keys, with nothing in them that no two runs share."""
    plain = [
        replace(r, timing=Timing(), started=None, duration_ms=None, environment={}) for r in records
    ]
    return sorted(plain, key=lambda record: record.key)


def check_kept(finished: Sequence[str], keys: Sequence[str]) -> None:
    """Refuse keys of records in which one that was there is gone, or is there twice."""
    if keys[: len(finished)] != finished or len(set(keys)) != len(keys):
        raise UserError(f"Cells are lost or there twice: {keys}.")


def check_same(found: Sequence[Record], expected: Sequence[Record]) -> None:
    """Refuse records, or tables made of them, that are not those of an undisturbed sweep."""
    for one, other in zip(found, expected, strict=True):
        if one != other:
            raise UserError(f"a record differs: {one}; {other}.")
    tables, others = (
        [table.frame.to_csv() for table in captioned_tables(records)]
        for records in (found, expected)
    )
    if tables != others:
        raise UserError("the tables differ.")


def compare(kills: int, seed: int) -> dict[str, int]:
    """Kill a sweep so many times, let it finish, and compare with one that was left in peace.

    Whenever it is over, it begins anew in another folder.

    Raises:
        UserError: if a finished Cell was lost or repeated, or the records differ.
    """
    chance, done, sweeps, killed = random.Random(seed), 0, 0, 0
    with tempfile.TemporaryDirectory() as peaceful:
        expected = finish(Path(peaceful))
    with Progress(console=Console(stderr=True)) as progress:
        bar = progress.add_task("killing", total=kills)
        while killed < kills:
            with tempfile.TemporaryDirectory() as folder:
                command, results = sweep(Path(folder)), Store(Path(folder) / "results.jsonl")
                finished: list[str] = []
                while killed < kills and len(finished) < CELLS:
                    killed += kill_at_random(command, chance)
                    progress.update(bar, completed=killed)
                    keys = [record.key for record in results.load()]
                    check_kept(finished, keys)
                    finished = keys
                found = finish(Path(folder))
                check_same(found, expected)
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

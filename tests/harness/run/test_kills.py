"""A sweep that is killed again and again ends as one that is left in peace."""

import json
import random
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from samfit import Store
from samfit.harness.record.record import Timing

ONE = {"adapter": "decoder", "backbone": "vit_tiny"}
TEN = {**ONE, "adapter": ["decoder", "cad", "lora", "lst", "ssf"], "batch_size": [1, 2]}
START = [sys.executable, "-c", "from samfit.harness.cli.main import command; command()"]


@pytest.fixture
def sweep(tmp_path):
    """The options of a sweep of a grid, predicted and measured, in a folder; and its results."""

    def options(grid, folder):
        profile, results = tmp_path / "profile.json", tmp_path / folder / "results.jsonl"
        profile.write_text(json.dumps({"predict": [grid], "measure": [{**grid, "device": "cpu"}]}))
        return ["sweep", profile, "--output", results], Store(results)

    return options


def start(options):
    return subprocess.Popen([*START, *options], stderr=subprocess.DEVNULL)


def alike(records):
    """Records in the order of their keys, with nothing in them that no two runs share."""
    plain = [
        replace(r, timing=Timing(), started=None, duration_ms=None, environment={}) for r in records
    ]
    return sorted(plain, key=lambda record: record.key)


@pytest.mark.parametrize(
    ("grid", "cells", "kills", "longest_s"),
    [(ONE, 2, 2, 4), pytest.param(TEN, 20, 100, 12, marks=pytest.mark.slow)],
)
def test_every_finished_cell_is_there_once(
    grid, cells, kills, longest_s, sweep, said, workers_here
):
    """Whenever the sweep that is killed is over, it begins anew in another folder."""
    peaceful, expected = sweep(grid, "peaceful")
    said(*peaceful)  # in this process
    chance, killed = random.Random(0), 0
    while killed < kills:
        folder, finished = f"after {killed} kills", []
        while killed < kills and len(finished) < cells:
            options, results = sweep(grid, folder)
            process = start(options)
            time.sleep(chance.uniform(0, longest_s))
            killed += process.poll() is None
            process.kill()
            process.wait()
            keys = [record.key for record in results.load()]
            assert keys[: len(finished)] == finished  # none lost, none moved
            assert len(set(keys)) == len(keys)  # none done twice
            finished = keys
        options, results = sweep(grid, folder)
        assert start(options).wait() == 0
        assert alike(results.load()) == alike(expected.load())
        assert len(results.load()) == cells

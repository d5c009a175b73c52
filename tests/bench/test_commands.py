"""Every benchmark that the README names is run, on something small."""

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from synthetic_records import measured, predicted, stored
from typer.testing import CliRunner

from samfit.bench.cells import BATCHED_CELLS
from samfit.bench.page import CHROMIUM

ROOT = Path(__file__).parents[2]
NAMED = re.findall(r"^python -m (bench\.\w+)", (ROOT / "README.md").read_text("utf-8"), re.M)
SMALLER_OPTIONS = {
    "samfit.bench.batched": ["--rounds", "1"],
    "samfit.bench.lean": ["--rounds", "1"],
    "samfit.bench.cache": ["--rounds", "1", "--backbone", "vit_tiny"],
    "samfit.bench.kills": ["--kills", "3"],
    "samfit.bench.page": ["--rounds", "1", "results.jsonl"],
}
SMALLER_WORK = {
    "samfit.bench.batched": {"BATCHED_CELLS": BATCHED_CELLS[:1]},
    "samfit.bench.lean": {"CHANNELS": 8, "GRID": 4},
    "samfit.bench.kills": {
        "GRID": {"adapter": "decoder", "backbone": "vit_tiny"},
        "CELLS": 2,
        "LONGEST_S": 7,  # a sweep of these takes as long
    },
}


@pytest.mark.parametrize("name", NAMED)
def test_a_benchmark_runs(name, tmp_path, monkeypatch):
    if name == "samfit.bench.page" and not CHROMIUM:
        pytest.skip("needs chromium")
    monkeypatch.chdir(tmp_path)
    stored(tmp_path / "results.jsonl", [predicted(), measured()])
    module = importlib.import_module(name)
    for constant, value in SMALLER_WORK.get(name, {}).items():
        monkeypatch.setattr(module, constant, value)
    app = typer.Typer()
    app.command()(module.main)
    done = CliRunner().invoke(app, SMALLER_OPTIONS[name], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert done.stdout.strip()


def test_each_benchmark_is_named():
    runnable = [p for p in (ROOT / "bench").glob("*.py") if "__main__" in p.read_text("utf-8")]
    assert sorted(NAMED) == sorted(f"bench.{path.stem}" for path in runnable)


def test_the_suites_of_pytest_benchmark_run():
    quick = ["--benchmark-max-time", "0", "--benchmark-min-rounds", "1", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", "-q", "--benchmark-only", *quick]
    # Beside other workers pytest-benchmark would measure nothing.
    alone = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    done = subprocess.run(
        [*command, "bench", "-k", "test_step and cad and b1- or prediction and decoder and b1-"],
        cwd=ROOT,
        env=alone,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "test_step[cad" in done.stdout and "test_prediction[decoder" in done.stdout

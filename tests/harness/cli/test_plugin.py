"""The fixture that pytest finds: memory as a test."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from samfit.harness.cli import plugin
from samfit.harness.program.inside.recording import FOLDER
from samfit.harness.standin.library import unavailable

ROOT = Path(__file__).parents[3]
TESTS = """
def train(width):
    import torch
    layer = torch.nn.Linear(width, width, device="cuda")
    optimizer = torch.optim.AdamW(layer.parameters())
    layer(torch.ones(8, width, device="cuda")).sum().backward()
    optimizer.step()

def test_fits(cuda_rehearsal):
    cuda_rehearsal(train, 256, card="T4").assert_at_most("1 GiB")

def test_is_over_its_budget(cuda_rehearsal):
    cuda_rehearsal(train, 2048, card="T4").assert_at_most("48 MiB")
"""


def run_tests(folder, **environment):
    """What pytest says of the tests, in a process of its own."""
    file = folder / "test_memory.py"
    file.write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
    return subprocess.run(
        [*command, "-rs", str(file)],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    ).stdout


@pytest.mark.skipif(unavailable() is not None, reason=str(unavailable()))
def test_a_budget_that_is_not_kept_shows_the_breakdown(tmp_path):
    said = run_tests(tmp_path)
    assert "1 failed, 1 passed" in said
    assert "AssertionError: the peak is" in said
    assert "weights trainable: 16.01 MiB" in said
    assert ">       cuda_rehearsal(train, 2048" in said  # the test's own line, none of samfit's


def test_it_is_skipped_with_the_reason(tmp_path):
    said = run_tests(tmp_path, **{FOLDER: str(tmp_path)})
    assert "2 skipped" in said
    assert "samfit.rehearse is called while samfit runs this program already" in said


def test_pytest_finds_it_and_it_costs_next_to_nothing():
    named = f'[project.entry-points.pytest11]\nsamfit = "{plugin.__name__}"\n'
    assert named in (ROOT / "pyproject.toml").read_text()
    code = f"import pytest, sys; before = set(sys.modules); import {plugin.__name__}\n"
    code += "print(*(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    new = done.stdout.split()
    assert plugin.__name__ in new
    tops = {name.partition(".")[0] for name in new} - sys.stdlib_module_names
    assert tops <= {"samfit", "lazy_loader"}

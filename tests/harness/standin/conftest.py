"""Programs that run in a child process on a card that is stood in for."""

import dataclasses
import json
import os
import subprocess
import sys

import pytest
import torch
from card_programs import run_program
from stage import Stage

from samfit.harness.device.cards import find_card
from samfit.harness.standin.library import CUDA_MAJORS, environment, standing, unavailable
from samfit.units import GIB, MIB

# The end of a program: what it has to tell; and no clearing up, during which PyTorch's threads may
# still wait for the interpreter.
_TELL = "\nimport json, os\nprint(json.dumps(told), flush=True)\nos._exit(0)\n"


@pytest.fixture(scope="session", autouse=True)
def built():
    """Only where nothing can be stood in for may these tests be skipped."""
    cuda = torch.version.cuda
    if sys.platform != "linux" or cuda is None or int(cuda.split(".")[0]) not in CUDA_MAJORS:
        pytest.skip("torch here is no CUDA build for Linux")
    assert unavailable() is None


@pytest.fixture(scope="session")
def card():
    """A card of these properties, else those of an RTX 3090 that has 4 GiB."""
    usual = {"total_bytes": 4 * GIB, "context_bytes": 300 * MIB}

    def make(name="RTX 3090", **properties):
        return dataclasses.replace(find_card(name), **{**usual, **properties})

    return make


@pytest.fixture(scope="session")
def bare_stage(built):
    """A process that stands on the library, and has no other variable of samfit's."""
    with Stage(standing()) as started:
        yield started


@pytest.fixture(scope="session")
def run_on(bare_stage):
    """Runs a program on a card; gives what it leaves in ``told``, and what it says to stderr.

    It is run in a fork of a process that has imported torch and not used CUDA: importing takes
    seconds. What has to be there before that, ``run_anew_on`` shows.
    """

    def run(card, program, **variables):
        return bare_stage.run(run_program, program, {**environment(card), **variables})

    return run


@pytest.fixture(scope="session")
def run_anew_on(built):
    """The same in a Python of its own."""

    def run(card, program, **variables):
        done = subprocess.run(
            [sys.executable, "-c", program + _TELL],
            env={**os.environ, **environment(card), **variables},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1]), done.stderr

    return run

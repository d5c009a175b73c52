"""``samfit train`` as a process: killed or interrupted, it ends with the same weights."""

import random
import signal
import subprocess
import sys
import time

import pytest
import torch
from safetensors.torch import load_file

# As users run it, but that the state is saved as often as writing it allows.
CODE = """
from samfit.harness.cli.main import command
from samfit.harness.train import train
train.SAVE_EVERY_S = 0
command()
"""
OPTIONS = {
    "cad": ["--prompt", "mask_box", "--augment", "geometric", "--epochs", "8"],
    "lora": ["--prompt", "points", "--patience", "30", "--epochs", "8"],
}


@pytest.fixture
def line(photos, tiny, tmp_path):
    """The command line of a training whose folder has that name."""
    return lambda method, name: [
        "train", method, "--data", photos, *tiny, *OPTIONS[method], "--output", tmp_path / name,
    ]  # fmt: skip


@pytest.fixture
def stopped(line, tmp_path):
    """Sends ``number`` to a training at a random moment; gives its exit code and its last words."""

    def stop(method, number):
        command = [sys.executable, "-c", CODE, *map(str, line(method, "stopped"))]
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True)
        while not (tmp_path / "stopped" / "state.pt").exists() and process.poll() is None:
            time.sleep(0.01)
        time.sleep(random.uniform(0, 0.2))
        process.send_signal(number)
        _, err = process.communicate(timeout=600)
        assert not (tmp_path / "stopped" / "adapter.safetensors").exists(), err
        return process.returncode, err

    return stop


@pytest.fixture
def assert_same_weights(samfit, line, tmp_path):
    """Of a training that nobody stops, and of ``stopped`` when it is run again."""

    def check(method):
        weights = []
        for name in ("whole", "stopped"):
            code, _, err = samfit(*line(method, name))
            assert code == 0
            assert ("resuming after step" in err) == (name == "stopped")
            weights.append(load_file(tmp_path / name / "adapter.safetensors"))
        whole, resumed = weights
        assert resumed.keys() == whole.keys()
        assert all(torch.equal(tensor, whole[name]) for name, tensor in resumed.items())

    return check


def test_a_killed_training_ends_with_the_same_weights(stopped, assert_same_weights):
    code, _ = stopped("cad", signal.SIGKILL)
    assert code == -signal.SIGKILL
    assert_same_weights("cad")


def test_an_interrupt_saves_the_state_and_says_so(stopped, assert_same_weights, tmp_path):
    code, err = stopped("lora", signal.SIGINT)
    assert code == 1
    assert "Traceback" not in err
    sentence = err.strip().splitlines()[-1]
    assert sentence.startswith("samfit: interrupted after step")
    end = ": run the same command to resume, or use it as it is."
    assert sentence.endswith(f"{tmp_path / 'stopped'}{end}")
    state = torch.load(tmp_path / "stopped" / "state.pt", weights_only=True)
    assert f"after step {len(state['history']['losses'])} of 16;" in sentence
    assert_same_weights("lora")

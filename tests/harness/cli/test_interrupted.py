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
    "cad": ["cad", "--prompt", "mask_box", "--augment", "geometric", "--epochs", "12"],
    "lora": ["lora", "--prompt", "points", "--patience", "30", "--epochs", "12"],
}


@pytest.fixture
def stopped(photos, tiny, tmp_path):
    """Sends ``number`` to a training at a random moment; gives its exit code and its last words."""

    def stop(options, number):
        arguments = ["train", options[0], "--data", photos, *tiny, *options[1:]]
        arguments += ["--output", tmp_path / "stopped"]
        process = subprocess.Popen(
            [sys.executable, "-c", CODE, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        while not (tmp_path / "stopped" / "state.pt").exists() and process.poll() is None:
            time.sleep(0.01)
        time.sleep(random.uniform(0, 0.3))
        process.send_signal(number)
        _, err = process.communicate(timeout=600)
        assert not (tmp_path / "stopped" / "adapter.safetensors").exists(), err
        return process.returncode, err

    return stop


@pytest.fixture
def whole_and_resumed(samfit, photos, tiny, tmp_path):
    """The weights of a training that nobody stops, and of ``stopped`` when it is run again."""

    def weights(options):
        for name in ("whole", "stopped"):
            arguments = ["--data", photos, *tiny, *options[1:], "--output", tmp_path / name]
            code, _, err = samfit("train", options[0], *arguments)
            assert code == 0
            assert ("resuming after step" in err) == (name == "stopped")
            yield load_file(tmp_path / name / "adapter.safetensors")

    return weights


def assert_same(ours, theirs):
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(tensor, theirs[name]) for name, tensor in ours.items())


def test_a_killed_training_ends_with_the_same_weights(stopped, whole_and_resumed):
    code, _ = stopped(OPTIONS["cad"], signal.SIGKILL)
    assert code == -signal.SIGKILL
    whole, resumed = whole_and_resumed(OPTIONS["cad"])
    assert_same(resumed, whole)


def test_an_interrupt_saves_the_state_and_says_so(stopped, whole_and_resumed, tmp_path):
    code, err = stopped(OPTIONS["lora"], signal.SIGINT)
    assert code == 1
    assert "Traceback" not in err
    sentence = err.strip().splitlines()[-1]
    assert sentence.startswith("samfit: interrupted after step")
    assert sentence.endswith(f"{tmp_path / 'stopped'}: run the same command to resume.")
    state = torch.load(tmp_path / "stopped" / "state.pt", weights_only=True)
    assert f"after step {len(state['history']['losses'])} of 24;" in sentence
    whole, resumed = whole_and_resumed(OPTIONS["lora"])
    assert_same(resumed, whole)

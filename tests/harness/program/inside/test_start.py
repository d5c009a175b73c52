"""The start of the watching, in a Python that has nothing but its standard library."""

import os
import subprocess
import sys

import pytest

from samfit.harness.program.inside.recording import FOLDER, Recording
from samfit.harness.program.launch import SITE


def start(tmp_path, code: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run ``code`` after the watching has begun, where only the standard library is installed."""
    code = f"exec(open({str(SITE / 'sitecustomize.py')!r}).read())\n{code}"
    code = f"__file__ = {str(SITE / 'sitecustomize.py')!r}\n{code}"
    environment = {"PATH": os.environ["PATH"], FOLDER: str(tmp_path), **variables}
    command = [sys.executable, "-S", "-c", code]
    return subprocess.run(command, env=environment, capture_output=True, text=True, cwd=tmp_path)


def test_it_needs_no_package_and_leaves_names_to_the_program(tmp_path):
    (tmp_path / "utils.py").write_text("value = 'mine'")
    (tmp_path / "samfit").mkdir()
    (tmp_path / "samfit" / "__init__.py").write_text("value = 'my own samfit'")
    code = (
        "import sys; sys.path.insert(0, '')\nimport utils, samfit\nprint(utils.value, samfit.value)"
    )
    done = start(tmp_path, code)
    assert (done.stdout, done.stderr) == ("mine my own samfit\n", "")


def test_a_process_tells_that_it_is_there_and_how_it_ended(tmp_path):
    done = start(tmp_path, "raise ValueError('no\\nmore')")
    assert done.stderr.endswith("ValueError: no\nmore\n")
    (log,) = tmp_path.glob("*.log")
    assert log.read_text().startswith("python 3.")
    (recording,) = map(Recording.read, tmp_path.glob("*.json"))
    assert recording.error == "ValueError: no"
    assert not recording.out_of_memory and not recording.histories


def test_memory_that_is_used_up_is_found_behind_another_error(tmp_path):
    code = "try:\n    raise RuntimeError('CUDA out of memory. Tried')\n"
    code += "except RuntimeError as error:\n    raise ValueError('training failed') from error"
    start(tmp_path, code)
    (recording,) = map(Recording.read, tmp_path.glob("*.json"))
    assert recording.out_of_memory


def test_the_users_own_sitecustomize_is_imported_too(tmp_path):
    (tmp_path / "sitecustomize.py").write_text("print('mine')")
    assert start(tmp_path, "import sitecustomize", PYTHONPATH=str(tmp_path)).stdout == "mine\n"


@pytest.mark.parametrize(
    ("cuda", "cudnn", "words"),
    [
        (None, None, "is built without CUDA: run the program with one that is built for it"),
        ("12.4", (9, 1, 0), "brings cuDNN 9.1.0, which cannot choose"),
    ],
)
def test_a_torch_that_cannot_be_watched_is_named(tmp_path, cuda, cudnn, words):
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "serialization.py").write_text("")
    (tmp_path / "torch" / "__init__.py").write_text(
        f"""
from types import SimpleNamespace as Space
from . import serialization
__version__ = "2.6.0"
version = Space(cuda={cuda!r})
_C = Space(_cudnn=Space(getRuntimeVersion=lambda: {cudnn!r}))
save = lambda *args: None
"""
    )
    done = start(tmp_path, "import sys; sys.path.insert(0, '')\nimport torch")
    assert done.stderr == ""
    (log,) = tmp_path.glob("*.log")
    _, torch, broken, *_ = log.read_text().splitlines()
    assert torch == "torch 2.6.0"
    assert broken.startswith("broken torch 2.6.0 ") and words in broken


def test_nothing_begins_where_no_folder_is_given(tmp_path):
    done = start(tmp_path, "print('on')", **{FOLDER: ""})
    assert done.stdout == "on\n"
    assert not list(tmp_path.glob("*.log"))

"""Programs that are started, waited for and ended: they write what watched processes write."""

import os
import sys
import time
from pathlib import Path

import pytest
from user_error import user_error

from samfit.harness.program.inside.recording import FOLDER
from samfit.harness.program.launch import launch


def start(tmp_path: Path, code: str, limit: float = 60.0):
    head = "import os, time, subprocess, sys\n"
    head += f"log = os.environ['{FOLDER}'] + f'/{{os.getpid()}}.log'\n"
    environment = {**os.environ, FOLDER: str(tmp_path)}
    return launch([sys.executable, "-c", head + code], environment, tmp_path, limit)


def test_a_program_that_ends_is_told_with_its_exit_code(tmp_path):
    ended = start(tmp_path, "sys.exit(7)")
    assert (ended.exit_code, ended.timed_out, ended.recordings) == (7, False, [])


def test_a_signal_is_told(tmp_path):
    assert start(tmp_path, "os.kill(os.getpid(), 9)").exit_code == -9


def test_a_process_that_has_seen_enough_is_ended(tmp_path):
    code = "open(log, 'w').write('cuda 1\\ntold\\nwaits\\n')\ntime.sleep(60)"
    ended = start(tmp_path, code)
    assert ended.exit_code is None and not ended.timed_out and ended.seconds < 30
    assert ended.said("cuda") == ["1"]


def test_one_that_takes_too_long_is_ended_with_all_its_children(tmp_path):
    code = "subprocess.Popen(['sleep', '300'], start_new_session=True)\n"
    code += "open(log, 'w').write('python 3\\n')\ntime.sleep(60)"
    ended = start(tmp_path, code, limit=1.0)
    assert ended.timed_out
    time.sleep(0.2)
    mark = f"{FOLDER}={tmp_path}".encode()
    places = [place for place in Path("/proc").glob("[0-9]*") if int(place.name) != os.getpid()]
    assert not any(mark in read(place / "environ") for place in places)


def read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""


@pytest.mark.parametrize(("command", "words"), [("no-such", "no such program"), ("/", "cannot be")])
def test_what_cannot_be_started_is_one_sentence(tmp_path, command, words):
    with user_error(words):
        launch([command], {}, tmp_path, 1.0)

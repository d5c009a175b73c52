"""Workers: a fresh process a task, and every way in which one can end."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from user_error import user_error

from samfit import Cell, Task
from samfit.harness.run import process as room
from samfit.harness.run.executor import record_of
from samfit.harness.run.process import WorkerProcess

TINY = Task("predict", Cell(adapter="lora", backbone="vit_tiny"))
SLOW = Task("measure", Cell(adapter="cad", backbone="vit_tiny", batch_size=64, device="cpu"))


@pytest.fixture(scope="module")
def worker():
    with WorkerProcess() as worker:
        yield worker


def test_says_what_machine_it_runs_on_and_answers_with_a_record(worker):
    assert worker.machine["packages"]["torch"]
    record = record_of(worker, TINY)
    assert (record.status, record.cell, record.key) == ("ok", TINY.cell, TINY.key)


def test_a_mistake_in_the_cell_is_one_sentence_and_the_worker_lives_on(worker):
    record = record_of(worker, Task("predict", Cell(adapter="lorra")))
    assert record.status == "error"
    assert record.message == "there is no adapter 'lorra': did you mean 'lora'?"
    assert record_of(worker, TINY).status == "ok"


def test_a_killed_worker_is_recorded_and_replaced(worker):
    assert worker.machine  # it has started
    killer = threading.Timer(1.0, lambda: os.kill(worker._process.pid, signal.SIGKILL))
    killer.start()
    record = record_of(worker, SLOW)
    killer.join()
    assert record.status == "error"
    assert "killed (signal 9)" in record.message
    assert record_of(worker, TINY).status == "ok"


def test_a_worker_that_hangs_is_stopped_and_replaced(worker):
    assert worker.machine  # it has started
    os.kill(worker._process.pid, signal.SIGSTOP)
    record = record_of(worker, TINY, limit_s=1)
    assert (record.status, record.duration_ms) == ("timeout", 1000)
    assert record.message == "stopped after 1 s: run samfit sweep with a longer --time-limit."
    assert record_of(worker, TINY).status == "ok"


def test_a_worker_that_cannot_start_is_named(monkeypatch):
    monkeypatch.setattr(room, "BOOT", "raise SystemExit(3)")
    with WorkerProcess() as worker, user_error("worker process did not start"):
        record_of(worker, TINY)


def test_what_libraries_print_does_not_reach_the_answers(monkeypatch):
    loud = "from samfit.harness.run import worker\npredict = worker.RUNNERS['predict']\n"
    loud += "worker.RUNNERS['predict'] = lambda cell: [print('noise'), predict(cell)][1]\nmain()"
    monkeypatch.setattr(room, "BOOT", room.BOOT.replace("main()", loud))
    with WorkerProcess() as worker:
        assert record_of(worker, TINY).status == "ok"


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc")
def test_a_worker_does_not_outlive_its_parent():
    """A killed sweep must not leave a process on the device."""
    code = "from samfit.harness.run.process import WorkerProcess\nworker = WorkerProcess()\n"
    code += "assert worker.machine\nprint(worker._process.pid, flush=True)\n"
    code += f"worker.ask({SLOW.to_json()})"
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    worker = int(parent.stdout.readline())
    parent.kill()
    parent.communicate()
    deadline = time.monotonic() + 10
    while Path(f"/proc/{worker}").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not Path(f"/proc/{worker}").exists()

"""Trainings side by side: every record once, and nobody left behind."""

import os
import time

import pytest

from samfit.files import PACKAGE
from samfit.harness.record.cell import Cell
from samfit.harness.run import isolate, side_by_side
from samfit.harness.run.side_by_side import run
from samfit.harness.run.task import Task

HERE = {"gpu": None, "cpu_threads": 8}
CARD = {"gpu": "Imaginary GPU", "cpu_threads": 8}
TIMEOUT_S = 60

# Stands for the worker, without torch. It notes its process, and does what the adapter's name says.
STAND_IN = f"""
import json, os, sys, time
from pathlib import Path
sys.path[0] = {str(PACKAGE.parent)!r}
from samfit.harness.run.task import Task
folder = Path(os.environ["NOTES"])
(folder / str(os.getpid())).touch()
said = {{"cpu_threads": int(os.environ["OMP_NUM_THREADS"])}}
print(json.dumps({{"gpu": None}}), flush=True)
for line in sys.stdin:
    task = Task.from_json(json.loads(line))
    match task.cell.adapter:
        case "dies":
            os._exit(3)
        case "waits":
            time.sleep(600)
        case "fails":
            record = task.ended("error", "a mistake.", said)
        case _:
            record = task.ended("ok", None, said)
    print(json.dumps(record.to_json()), flush=True)
"""


@pytest.fixture(autouse=True)
def notes(tmp_path, monkeypatch):
    """The folder in which each worker leaves a file named after its process."""
    monkeypatch.setattr(isolate, "BOOT", STAND_IN)
    monkeypatch.setattr(side_by_side, "_processors", lambda: 2)
    monkeypatch.setenv("NOTES", str(tmp_path))
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    return tmp_path


def scoring(*names):
    return [Task("score", Cell(adapter=name, seed=n)) for n, name in enumerate(names)]


def processes(notes):
    return [int(path.name) for path in notes.iterdir()]


def is_there(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_every_task_has_its_record_once(notes):
    tasks = scoring(*7 * ["works"])
    records = list(run(tasks, HERE, TIMEOUT_S))
    assert sorted(record.key for record in records) == sorted(task.key for task in tasks)
    assert {record.status for record in records} == {"ok"}
    assert len(processes(notes)) == 2
    assert not any(map(is_there, processes(notes)))


def test_a_task_that_fails_is_a_record_and_the_others_go_on():
    tasks = scoring("works", "dies", "fails", "works", "dies", "works")
    records = {record.key: record for record in run(tasks, HERE, TIMEOUT_S)}
    assert len(records) == 6
    for task in tasks:
        record, name = records[task.key], task.cell.adapter
        assert record.status == ("ok" if name == "works" else "error")
        assert (
            record.message
            == {
                "works": None,
                "fails": "a mistake.",
                "dies": "the worker ended with exit code 3: read its message above.",
            }[name]
        )


def test_a_task_that_takes_too_long_is_a_record():
    records = list(run(scoring("waits", "works"), HERE, timeout_s=1))
    assert sorted(record.status for record in records) == ["ok", "timeout"]


def test_records_come_as_soon_as_they_are_there():
    records = run(scoring("waits", "works"), HERE, TIMEOUT_S)
    begin = time.monotonic()
    assert next(records).cell.adapter == "works"
    assert time.monotonic() - begin < TIMEOUT_S / 2
    records.close()


def test_whoever_stops_listening_leaves_no_process_behind(notes):
    records = run(scoring("works", "waits", "waits", "waits"), HERE, TIMEOUT_S)
    next(records)
    assert any(map(is_there, processes(notes)))
    records.close()
    assert not any(map(is_there, processes(notes)))
    assert len(processes(notes)) == 2


def test_an_interrupt_while_waiting_leaves_no_process_behind(notes, monkeypatch):
    def interrupted(futures):
        raise KeyboardInterrupt

    monkeypatch.setattr(side_by_side, "as_completed", interrupted)
    with pytest.raises(KeyboardInterrupt):
        list(run(scoring("waits", "waits", "works"), HERE, TIMEOUT_S))
    assert not any(map(is_there, processes(notes)))


@pytest.mark.parametrize("moment", range(4))
def test_whoever_stops_between_tasks_leaves_no_process_behind(moment, notes):
    records = run(scoring(*12 * ["works"]), HERE, TIMEOUT_S)
    for _ in range(moment + 1):
        next(records)
    records.close()
    assert not any(map(is_there, processes(notes)))


@pytest.mark.parametrize(
    ("machine", "tasks", "workers", "threads"),
    [(HERE, 1, 1, 1), (HERE, 5, 2, 1), (CARD, 3, 1, 5)],
)
def test_a_processor_each_but_one_at_a_time_on_a_card(machine, tasks, workers, threads, notes):
    records = list(run(scoring(*tasks * ["works"]), machine, TIMEOUT_S))
    assert len(processes(notes)) == workers
    assert {record.environment["cpu_threads"] for record in records} == {threads}


def test_without_tasks_nothing_is_started(notes):
    assert list(run([], HERE, TIMEOUT_S)) == []
    assert processes(notes) == []


def test_records_are_looked_up_as_the_trainings_see_the_machine():
    assert side_by_side.machine(HERE) == {"gpu": None, "cpu_threads": 1}
    assert side_by_side.machine(CARD) == CARD

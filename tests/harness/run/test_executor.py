"""Where tasks run: every record once, and nobody left behind."""

import os
import time
from dataclasses import replace

import pytest

from samfit import Cell, Task
from samfit.files import PACKAGE
from samfit.harness.run import executor as room, process
from samfit.harness.run.executor import LocalWorkers

LIMIT_S = 60

# Stands for the worker, without torch. It notes its process, and does what the adapter's name says.
STAND_IN = f"""
import json, os, sys, time
from pathlib import Path
sys.path[0] = {str(PACKAGE.parent)!r}
from samfit.harness.run.task import Task
folder = Path(os.environ["NOTES"])
(folder / str(os.getpid())).touch()
said = {{"cpu_threads": int(os.environ["OMP_NUM_THREADS"]), "platform": str(os.getpid())}}
said["driver"] = os.environ.get("STANDS_ON")
print(json.dumps({{"gpu": None}}), flush=True)
for line in sys.stdin:
    task = Task.from_json(json.loads(line))
    match task.cell.adapter:
        case "dies":
            os._exit(3)
        case "waits":
            time.sleep(600)
        case "fails":
            answer = {{"failed": "a mistake."}}
        case _:
            answer = {{"answer": task.ended("ok", None, said).to_json()}}
    print(json.dumps(answer), flush=True)
"""


@pytest.fixture
def run():
    with LocalWorkers() as workers:
        yield workers.run


@pytest.fixture(autouse=True)
def notes(tmp_path, monkeypatch):
    """The folder in which each worker leaves a file named after its process."""
    monkeypatch.setattr(process, "BOOT", STAND_IN)
    monkeypatch.setattr(room, "_processors", lambda: 2)
    monkeypatch.setenv("NOTES", str(tmp_path))
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    return tmp_path


def scoring(*names):
    """Tasks of different Cells, so that records can be told apart."""
    cells = (Cell(adapter=name, seed=n, device="cpu") for n, name in enumerate(names))
    return [Task("score", cell) for cell in cells]


def processes(notes):
    return [int(path.name) for path in notes.iterdir()]


def is_there(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize(("count", "workers"), [(1, 1), (7, 2)])
def test_each_task_has_its_record_once_and_a_processor_while_it_runs(count, workers, notes, run):
    tasks = scoring(*count * ["works"])
    records = list(run(tasks, LIMIT_S))
    assert sorted(record.key for record in records) == sorted(task.key for task in tasks)
    assert {record.status for record in records} == {"ok"}
    assert {record.environment["cpu_threads"] for record in records} == {1}
    assert len(processes(notes)) == workers
    assert not any(map(is_there, processes(notes)))


def test_a_task_that_fails_is_a_record_and_the_others_go_on(run):
    ends = {
        "works": ("ok", None),
        "fails": ("error", "a mistake."),
        "dies": ("error", "the worker ended with exit code 3: read its message above."),
    }
    tasks = scoring("works", "dies", "fails", "works", "dies", "works")
    records = list(run(tasks, LIMIT_S))
    assert sorted(record.key for record in records) == sorted(task.key for task in tasks)
    for record in records:
        assert (record.status, record.message) == ends[record.cell.adapter]


def test_a_task_that_takes_too_long_is_a_record(run):
    records = list(run(scoring("waits", "works"), 1))
    assert sorted(record.status for record in records) == ["ok", "timeout"]


def test_records_come_as_soon_as_they_are_there(run):
    records = run(scoring("waits", "works"), LIMIT_S)
    begin = time.monotonic()
    assert next(records).cell.adapter == "works"
    assert time.monotonic() - begin < LIMIT_S / 2
    records.close()


def test_whoever_stops_listening_leaves_no_process_behind(notes, run):
    records = run(scoring("works", "waits", "waits", "waits"), LIMIT_S)
    next(records)
    assert any(map(is_there, processes(notes)))
    records.close()
    assert not any(map(is_there, processes(notes)))
    assert len(processes(notes)) <= 2  # none is started again


def test_an_interrupt_while_waiting_leaves_no_process_behind(notes, monkeypatch, run):
    def interrupted(futures):
        raise KeyboardInterrupt

    monkeypatch.setattr(room, "as_completed", interrupted)
    with pytest.raises(KeyboardInterrupt):
        list(run(scoring("waits", "waits", "works"), LIMIT_S))
    assert not any(map(is_there, processes(notes)))


@pytest.mark.parametrize("moment", range(4))
def test_whoever_stops_between_tasks_leaves_no_process_behind(moment, notes, run):
    records = run(scoring(*12 * ["works"]), LIMIT_S)
    for _ in range(moment + 1):
        next(records)
    records.close()
    assert not any(map(is_there, processes(notes)))


def test_without_tasks_nothing_is_started(notes, run):
    assert list(run([], LIMIT_S)) == []
    assert processes(notes) == []


def test_predictions_come_first_and_trainings_last_and_a_measurement_has_its_own_process(notes):
    kinds = ["predict", "score", "measure", "measure_memory", "predict", "score", "trace"]
    works = zip(kinds, scoring(*7 * ["works"]), strict=True)
    with LocalWorkers() as workers:
        records = list(workers.run([Task(how, task.cell) for how, task in works], LIMIT_S))
    seeds = [record.cell.seed for record in records]
    assert {*seeds[:3]} == {0, 4, 6}, "predictions come first"
    assert seeds[3:5] == [2, 3]
    ran_in = {record.cell.seed: record.environment["platform"] for record in records}
    assert len({ran_in[0], ran_in[2], ran_in[3]}) == 3
    assert {ran_in[1], ran_in[5]}.isdisjoint(ran_in[place] for place in (0, 2, 3, 4))
    assert not any(map(is_there, processes(notes)))


def test_a_training_on_a_card_has_the_card_and_all_processors(notes, run):
    on_card = [Task("score", replace(task.cell, device="cuda")) for task in scoring(*3 * ["works"])]
    records = list(run(on_card, LIMIT_S))
    assert len(processes(notes)) == 1
    assert {record.environment["cpu_threads"] for record in records} == {5}


def test_only_rehearsals_run_in_processes_on_the_stand_in(monkeypatch, run):
    """A trace must be what a computer without it makes, and may not start CUDA on it."""
    monkeypatch.setattr(room, "rehearsing", lambda: {"STANDS_ON": "it"})
    there = {"cuda": "rehearsal", "cpu": "trace"}
    monkeypatch.setattr(room, "instrument_for", lambda cell: there[cell.device])
    hows = {("predict", "cuda"): "it", ("trace", "cuda"): None, ("predict", "cpu"): None}
    tasks = [Task(how, Cell(adapter="works", device=device)) for how, device in hows]
    records = {(r.source, r.cell.device): r.environment["driver"] for r in run(tasks, LIMIT_S)}
    assert records == {
        (task.source, task.cell.device): hows[task.how, task.cell.device] for task in tasks
    }

"""Sweeps: resumable, each task once. That kills lose nothing, samfit.bench.kills shows."""

from dataclasses import replace

import pytest

from samfit.harness.record.cell import Cell
from samfit.harness.record.store import Store
from samfit.harness.run import sweep as room
from samfit.harness.run.sweep import sweep
from samfit.harness.run.task import Task

MACHINE = {"packages": {"torch": "2.9"}, "code_sha256": "abc", "gpu": None, "cpu": "x"}
TASKS = [Task("predict", Cell(adapter="lora", batch_size=size)) for size in (1, 2, 3)]


class CountingWorker:
    """Stands for a worker whose predictions are instant."""

    def __init__(self, status="ok", machine=MACHINE):
        self.machine, self.status, self.asked = machine, status, []

    def run(self, task, timeout_s):
        self.asked.append(task)
        ended = task.ended(self.status, None, self.machine)
        return replace(ended, duration_ms=1000 * timeout_s)


def run_all(store, worker, tasks=TASKS):
    with store.writing():
        return [record.key for record in sweep(tasks, store, worker)]


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "results.jsonl")


def test_every_task_gets_its_record_in_order(store):
    assert run_all(store, CountingWorker()) == [task.key for task in TASKS]
    assert [record.key for record in store.load()] == [task.key for task in TASKS]


def test_a_second_run_repeats_nothing(store):
    run_all(store, CountingWorker(), TASKS[:2])
    second = CountingWorker()
    run_all(store, second)
    assert second.asked == TASKS[2:]


@pytest.mark.parametrize(
    "change", [{"code_sha256": "other"}, {"gpu": "H200"}, {"packages": {"torch": "3.0"}}]
)
def test_other_code_or_another_machine_is_run_again(store, change):
    run_all(store, CountingWorker())
    second = CountingWorker(machine={**MACHINE, **change})
    run_all(store, second)
    assert second.asked == TASKS


@pytest.mark.parametrize(("status", "again"), [("oom", 0), ("timeout", 0), ("error", 3)])
def test_only_errors_are_tried_again(store, status, again):
    run_all(store, CountingWorker(status))
    second = CountingWorker()
    run_all(store, second)
    assert len(second.asked) == again


@pytest.mark.parametrize(("seconds", "again"), [(5, 0), (10, 0), (20, 3)])
def test_what_took_too_long_is_tried_again_with_more_time(store, seconds, again):
    with store.writing():
        list(sweep(TASKS, store, CountingWorker("timeout"), time_limit_s=10))
        second = CountingWorker()
        list(sweep(TASKS, store, second, time_limit_s=seconds))
    assert len(second.asked) == again


def test_each_measurement_gets_a_process_of_its_own(store, monkeypatch):
    isolated = []

    def isolate(task, timeout_s):
        isolated.append(task)
        return task.ended("ok", None)

    monkeypatch.setattr(room, "run_isolated", isolate)
    measured = [Task("measure", Cell(adapter="cad", device="cpu"))]
    run_all(store, CountingWorker(), measured)
    assert isolated == measured

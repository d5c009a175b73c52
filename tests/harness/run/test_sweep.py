"""Sweeps: resumable, each task once. That kills lose nothing, test_kills.py shows."""

import pytest

import samfit
from samfit import Cell, Store, Task, sweep

MACHINE = {"packages": {"torch": "2.9"}, "code_sha256": "abc", "gpu": None, "cpu": "x"}
TASKS = [Task("predict", Cell(adapter="lora", batch_size=size)) for size in (1, 2, 3)]


class Instant:
    """An executor whose answers are instant."""

    def __init__(self, status="ok", machine=MACHINE):
        self.machine, self.status, self.asked = machine, status, []

    def run(self, tasks, limit_s):
        for task in tasks:
            self.asked.append(task)
            machine = task.seen_from(self.machine)
            yield task.ended(self.status, None, machine, 1000 * limit_s)


def run_all(store, executor, tasks=TASKS, **more):
    return [record.key for record in sweep(tasks, store, executor=executor, **more)]


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "results.jsonl")


def test_every_task_gets_its_record_in_order(store):
    assert run_all(store, Instant()) == [task.key for task in TASKS]
    assert [record.key for record in store.load()] == [task.key for task in TASKS]


def test_a_second_run_repeats_nothing(store):
    run_all(store, Instant(), TASKS[:2])
    second = Instant()
    run_all(store, second)
    assert second.asked == TASKS[2:]


@pytest.mark.parametrize(
    "change", [{"code_sha256": "other"}, {"gpu": "H200"}, {"packages": {"torch": "3.0"}}]
)
def test_other_code_or_another_machine_is_run_again(store, change):
    tasks = [Task("measure", task.cell) for task in TASKS]
    run_all(store, Instant(), tasks)
    second = Instant(machine={**MACHINE, **change})
    run_all(store, second, tasks)
    assert second.asked == tasks


@pytest.mark.parametrize("how", ["predict", "trace"])
def test_a_prediction_is_the_same_on_every_card_and_with_any_number_of_threads(store, how):
    tasks = [Task(how, task.cell) for task in TASKS]
    run_all(store, Instant(machine={**MACHINE, "cpu_threads": 1}), tasks)
    second = Instant(machine={**MACHINE, "gpu": "H200", "cpu_threads": 8})
    run_all(store, second, tasks)
    assert second.asked == []
    third = Instant(machine={**MACHINE, "code_sha256": "other"})
    run_all(store, third, tasks)
    assert third.asked == tasks


@pytest.mark.parametrize(
    ("status", "seconds", "again"),
    [("oom", 10, 0), ("error", 10, 3), ("timeout", 5, 0), ("timeout", 10, 0), ("timeout", 20, 3)],
)
def test_errors_are_tried_again_and_so_is_what_took_too_long_with_more_time(
    store, status, seconds, again
):
    run_all(store, Instant(status), limit_s=10)
    second = Instant()
    run_all(store, second, limit_s=seconds)
    assert len(second.asked) == again


def test_a_training_is_looked_up_as_it_sees_the_machine(store):
    """On the CPU it computes in one thread, whatever the machine has."""
    training = [Task("score", Cell(adapter="cad", device="cpu"))]
    machine = {**MACHINE, "cpu_threads": 8}
    run_all(store, Instant(machine=machine), training)
    second = Instant(machine={**machine, "cpu_threads": 4})
    run_all(store, second, training)
    assert second.asked == []


def test_a_task_that_is_there_twice_is_run_once_and_the_number_of_records_is_told(store):
    class Told(samfit.Progress):
        def track(self, items, total, what):
            self.total = total
            return iter(items)

    progress, executor = Told(), Instant()
    run_all(store, executor, TASKS[:1])
    keys = run_all(store, executor, TASKS + TASKS, progress=progress)
    assert keys == [task.key for task in TASKS]
    assert executor.asked == TASKS
    assert progress.total == 3


def test_a_profile_is_planned_for_the_machine_that_runs_it(store, tmp_path):
    executor = Instant()
    assert len(run_all(store, executor, "accuracy")) == len(executor.asked) > 100
    grids = tmp_path / "grids.json"
    grids.write_text('{"predict": [{"adapter": "cad", "batch_size": [1, 2]}]}')
    assert len(run_all(store, Instant(), grids)) == 2

"""What is validated, in which order, and for how long."""

from itertools import product

import pytest
from user_error import user_error

from samfit import Store, adapter_names
from samfit.harness.run import pairs, validation
from samfit.harness.run.validation import BATCH_SIZES, validate, validation_tasks

GPU = {"gpu": "NVIDIA H200", "gpu_capability": "9.0"}


@pytest.fixture(scope="module")
def tasks():
    return validation_tasks(GPU, "cuda")


@pytest.fixture(scope="module")
def cells(tasks):
    return [task.cell for task in tasks if task.how == "measure_memory"]


def test_every_cell_is_predicted_and_then_measured_once(tasks, cells):
    assert [task.how for task in tasks] == ["predict", "measure_memory"] * len(cells)
    assert [task.cell for task in tasks[::2]] == cells
    assert len({cell.key for cell in cells}) == len(cells)


def test_all_methods_batch_sizes_and_precisions_are_there_with_levers_and_without(cells):
    for attention in ("eager", "sdpa"):
        found = {(c.adapter, c.batch_size, c.precision) for c in cells if c.attention == attention}
        assert found == set(product(adapter_names(), BATCH_SIZES, ("fp32", "bf16")))
    assert any(cell.cache_embeddings for cell in cells)
    assert any(cell.encoder_micro_batch for cell in cells)
    assert any(cell.checkpointing and cell.attention == "eager" for cell in cells)
    assert {(c.compute_capability, c.backbone) for c in cells} == {("9.0", "vit_b")}


def test_every_method_comes_first_as_published_and_no_kind_waits_for_all_of_another(cells):
    count = len(adapter_names())
    first = cells[:count]
    assert {cell.adapter for cell in first} == set(adapter_names())
    assert {(c.batch_size, c.attention, c.precision) for c in first} == {(1, "eager", "fp32")}
    fourth = cells[: len(cells) // 4]
    assert {cell.batch_size for cell in fourth} >= {1, 4}
    assert {cell.attention for cell in fourth} == {"eager", "sdpa"}


class Instant:
    """An executor that predicts before it measures, as this machine's does; instantly."""

    machine = GPU

    def __init__(self, clock=None, seconds=()):
        self.clock, self.seconds, self.ran = clock, dict(seconds), []

    def run(self, tasks, limit_s):
        for task in sorted(tasks, key=lambda task: task.how != "predict"):
            if self.clock:
                self.clock.now += self.seconds[task.how]
            self.ran.append(task)
            yield task.ended("ok", None, GPU)


@pytest.fixture
def planned(tasks, monkeypatch):
    """Lets ``validate`` have the tasks that it asks for without planning them again."""

    def plan(*asked):
        assert asked == (GPU, "cuda", None)
        return tasks

    monkeypatch.setattr(validation, "validation_tasks", plan)


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(pairs.time, "monotonic", clock)
    return clock


def test_in_ten_minutes_most_of_the_time_is_for_measuring(clock, planned, tmp_path, capsys):
    """With two seconds a prediction, side by side, and eight a measurement."""
    machine = Instant(clock, {"predict": 2.0, "measure_memory": 8.0})
    store = Store(tmp_path / "results.jsonl")
    records = list(validate(store, minutes=10, executor=machine))
    assert 600 <= clock.now < 600 + 8
    measured = [task.cell for task in machine.ran if task.how == "measure_memory"]
    predicted = [task.cell for task in machine.ran if task.how == "predict"]
    assert len(measured) > 55
    assert {cell.key for cell in measured} <= {cell.key for cell in predicted}
    assert {cell.adapter for cell in measured} == set(adapter_names())
    assert f"{len(measured)} of " in capsys.readouterr().err
    assert len(records) == len(machine.ran) == len(store.load())


def test_the_time_may_end_while_predicting_and_the_next_run_resumes(
    clock, planned, tmp_path, tasks, capsys
):
    machine = Instant(clock, {"predict": 2.0, "measure_memory": 8.0})
    store = Store(tmp_path / "results.jsonl")
    assert {r.source for r in validate(store, minutes=1, executor=machine)} == {"predicted"}
    assert clock.now == 60
    assert "0 of" in capsys.readouterr().err
    again = Instant()
    keys = [record.key for record in validate(store, executor=again)]
    assert sorted(keys) == sorted(task.key for task in tasks)
    assert len(again.ran) == len(tasks) - 30
    assert capsys.readouterr().err == ""


def test_on_the_cpu_it_is_the_miniature_unless_another_is_wanted():
    for wanted, backbone in ((None, "vit_tiny"), ("vit_b", "vit_b")):
        cells = [task.cell for task in validation_tasks({"gpu": None}, "cpu", wanted)]
        assert {(cell.backbone, cell.device) for cell in cells} == {(backbone, "cpu")}


def test_without_a_card_it_says_what_it_needs():
    with user_error("validate needs a CUDA device", "check the tracer alone with --device cpu."):
        validation_tasks({"gpu": None}, "cuda")

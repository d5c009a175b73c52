"""Measuring through the front door: where it runs, and what becomes of mistakes."""

import pytest
from user_error import user_error

import samfit
from samfit.harness.run import measure as room

CELL = samfit.Cell(adapter="cad")


class Worker:
    """Answers at once, on a machine with a card or without."""

    def __init__(self, gpu):
        self.machine = {"gpu": gpu, "gpu_capability": "9.0" if gpu else None}

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def ask(self, question):
        task = samfit.Task.from_json(question)
        return task.ended("ok", None, self.machine).to_json()


@pytest.mark.parametrize(
    ("gpu", "cells", "asked", "where"),
    [
        (None, "cuda", None, ("cpu", "8.0")),
        ("H200", "cuda", None, ("cuda", "9.0")),
        ("H200", "cpu", None, ("cpu", "8.0")),
        ("H200", "cuda", "cpu", ("cpu", "8.0")),
        (None, "cpu", "cuda", ("cuda", "8.0")),
    ],
)
def test_a_device_that_nobody_names_is_the_cells_or_the_cpu(gpu, cells, asked, where, monkeypatch):
    monkeypatch.setattr(room, "WorkerProcess", lambda: Worker(gpu))
    record = samfit.measure(samfit.Cell(adapter="cad", device=cells), asked)
    assert (record.cell.device, record.cell.compute_capability) == where


def test_a_mistake_is_told_as_one(workers_here):
    with user_error("lorra", "lora"):
        samfit.measure(samfit.Cell(adapter="lorra"), "cpu")

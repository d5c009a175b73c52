"""What is said of memory before a training."""

from types import SimpleNamespace

import pytest
import torch
from tiny_task import tiny_cell

import samfit
from samfit.harness.cli import forecast
from samfit.harness.cli.forecast import say_step_memory
from samfit.units import GIB

CELL = tiny_cell("lora")


@pytest.fixture
def said(monkeypatch):
    """What ``say_step_memory`` says."""
    told = []
    monkeypatch.setattr(forecast.Bars, "say", lambda self, remark: told.append(remark))

    def run(device=None):
        say_step_memory(CELL, device)
        return told[-1]

    return run


@pytest.fixture
def card(monkeypatch):
    """A card at hand with so many bytes free, of this compute capability; a step takes 0.5 GiB."""

    def predicted(cell, instrument):
        if cell.compute_capability == "8.7":
            raise samfit.UserError("no card of compute capability '8.7' is known.")
        return SimpleNamespace(memory=SimpleNamespace(peak_reserved_bytes=GIB // 2))

    def have(free, capability):
        monkeypatch.setattr(samfit, "predict", predicted)
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: capability)
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a card")
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (free, 2 * free))

    return have


def test_on_a_cpu_it_is_what_is_predicted_there(said):
    taken = samfit.predict(CELL, "trace").memory.peak_allocated_bytes
    assert said("cpu") == f"a training step takes {taken / GIB:.2f} GiB, as predicted"


@pytest.mark.parametrize(("free", "end"), [(GIB, "1.00 GiB free: it fits"), (1024, "levers do")])
@pytest.mark.parametrize("capability", [(8, 6), (8, 7)])  # of the latter no card is known
def test_on_a_card_it_is_compared_with_what_is_free(free, end, capability, said, card):
    card(free, capability)
    words = said()
    assert words.startswith("a training step takes 0.50 GiB, as predicted; a card has ")
    assert words.endswith(end)


def test_a_training_does_not_fail_with_it(said, monkeypatch):
    def fail(*_):
        raise RuntimeError("no such kernel")

    monkeypatch.setattr(samfit, "predict", fail)
    assert said("cpu") == "the memory of a step could not be predicted (no such kernel)"

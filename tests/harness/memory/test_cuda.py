"""What is read from CUDA and its driver; the counters are stand-ins where there is no GPU."""

from types import SimpleNamespace

import pytest
import torch

from harness.memory import cuda
from harness.memory.cuda import CUBLAS_WORKSPACE, cublas_workspace_bytes, explain, read_cuda
from harness.memory.trace import SAVED, UNTRACED
from harness.record import Memory

MIB = 2**20


@pytest.fixture
def card(monkeypatch):
    """A card of 8 GiB on which torch has allocated 100 MiB at most."""
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: 100 * MIB)
    monkeypatch.setattr(torch.cuda, "max_memory_reserved", lambda: 120 * MIB)
    properties = SimpleNamespace(total_memory=8192 * MIB)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: properties)


def driver(monkeypatch, own, used, at_start):
    monkeypatch.setattr(cuda, "foreign_bytes", lambda: at_start)
    monkeypatch.setattr(cuda, "_driver_view", lambda: (own, used))


@pytest.mark.parametrize(
    ("own", "used", "at_start", "process"),
    [
        (600 * MIB, 900 * MIB, 300 * MIB, 600 * MIB),
        (None, 900 * MIB, 300 * MIB, 600 * MIB),  # a driver that hides processes
        (None, None, None, None),  # no driver library
    ],
)
def test_process_memory(card, monkeypatch, own, used, at_start, process):
    driver(monkeypatch, own, used, at_start)
    memory = read_cuda()
    assert (memory.process_bytes, memory.other_processes_bytes) == (process, at_start)
    assert (memory.peak_allocated_bytes, memory.peak_reserved_bytes) == (100 * MIB, 120 * MIB)


def test_a_measured_peak_is_explained_by_the_trace(card, monkeypatch):
    driver(monkeypatch, None, None, None)
    traced = Memory(
        instrument="trace",
        peak_allocated_bytes=90 * MIB,
        breakdown_bytes={SAVED: 90 * MIB},
        peak_phase="backward",
    )
    memory = explain(read_cuda(), traced)
    assert memory.breakdown_bytes == {SAVED: 90 * MIB, UNTRACED: 10 * MIB}
    assert sum(memory.breakdown_bytes.values()) == memory.peak_allocated_bytes
    assert (memory.instrument, memory.peak_phase) == ("cuda", "backward")


def test_no_driver_is_no_error():
    if torch.cuda.is_available():
        pytest.skip("this machine has a driver")
    assert cuda._driver_view() == (None, None)


@pytest.mark.parametrize(("capability", "nbytes"), [((8, 0), CUBLAS_WORKSPACE), ((9, 0), 32 * MIB)])
def test_workspace_depends_on_the_architecture(monkeypatch, capability, nbytes):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: capability)
    assert cublas_workspace_bytes() == nbytes

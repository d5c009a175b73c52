"""What is read from CUDA and its driver; the counters are stand-ins where there is no GPU."""

import os
from types import SimpleNamespace

import pytest
import torch

from samfit.harness.device import nvml
from samfit.harness.device.nvml import Usage
from samfit.harness.memory import cuda
from samfit.harness.memory.cuda import explain, read_cuda
from samfit.harness.memory.figures import Memory
from samfit.harness.trace.trace import SAVED, UNTRACED

MIB = 2**20


@pytest.fixture
def card(monkeypatch):
    """A card of 8 GiB on which torch has allocated 100 MiB at most."""
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: 100 * MIB)
    monkeypatch.setattr(torch.cuda, "max_memory_reserved", lambda: 120 * MIB)
    properties = SimpleNamespace(total_memory=8192 * MIB)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: properties)


def driver(monkeypatch, usage, at_start):
    monkeypatch.setattr(cuda, "foreign_bytes", lambda: at_start)
    monkeypatch.setattr(nvml, "usage", lambda: usage)


@pytest.mark.parametrize(
    ("usage", "at_start", "process"),
    [
        (Usage({os.getpid(): 600 * MIB}, 900 * MIB), 300 * MIB, 600 * MIB),
        (Usage({}, 900 * MIB), 300 * MIB, 600 * MIB),  # a driver that hides processes
        (None, None, None),  # no driver
    ],
)
def test_process_memory(card, monkeypatch, usage, at_start, process):
    driver(monkeypatch, usage, at_start)
    memory = read_cuda()
    assert (memory.process_bytes, memory.other_processes_bytes) == (process, at_start)
    assert (memory.peak_allocated_bytes, memory.peak_reserved_bytes) == (100 * MIB, 120 * MIB)


@pytest.mark.parametrize("traced_mib", [90, 110])
def test_a_measured_peak_is_explained_by_the_trace(card, monkeypatch, traced_mib):
    driver(monkeypatch, None, None)
    traced = Memory(
        instrument="trace",
        peak_allocated_bytes=traced_mib * MIB,
        breakdown_bytes={SAVED: traced_mib * MIB},
        peak_phase="backward",
    )
    memory = explain(read_cuda(), traced)
    assert (memory.instrument, memory.peak_phase) == ("cuda", "backward")
    if traced_mib > 100:  # more than there was: the trace explains nothing
        assert memory.breakdown_bytes is None
    else:
        assert memory.breakdown_bytes == {SAVED: 90 * MIB, UNTRACED: 10 * MIB}
        assert sum(memory.breakdown_bytes.values()) == memory.peak_allocated_bytes


@pytest.mark.parametrize("hidden", ["", "-1"])
def test_hidden_cards_and_no_driver_are_no_error(monkeypatch, hidden):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
    monkeypatch.setattr(nvml.pynvml, "nvmlInit", lambda: None)
    assert nvml.usage() is None
    assert not any(nvml.card().values())

"""Measuring for real, on the CPU, and what running out of memory gives."""

from dataclasses import replace

import pytest
import torch

from samfit import Cell, UserError, predict
from samfit.harness.measure import measure as room, timing
from samfit.harness.measure.measure import measure, measure_memory
from samfit.harness.record.record import Timing

TINY = Cell(adapter="cad", backbone="vit_tiny", device="cpu")


@pytest.fixture(scope="module")
def record():
    return measure(TINY)


def test_measures_time_and_memory(record):
    assert (record.status, record.source) == ("ok", "measured-cpu")
    spread = record.timing.step_ms
    assert spread.p10 <= spread.median <= spread.p90
    assert spread.n == len(record.timing.samples_ms) >= 3
    assert record.timing.images_per_second == pytest.approx(1000 / spread.median)


def test_measured_memory_is_what_was_predicted_for_the_cpu(record):
    predicted = predict(TINY)
    assert record.memory.peak_allocated_bytes == predicted.memory.peak_allocated_bytes
    assert record.memory.breakdown_bytes == predicted.memory.breakdown_bytes
    assert record.params == predicted.params
    assert record.compute == predicted.compute


def test_memory_that_depends_on_data_does_not_depend_on_how_many_steps_are_timed(monkeypatch):
    peaks = set()
    for steps in (3, 5):
        monkeypatch.setattr(timing, "MIN_STEPS", steps)
        monkeypatch.setattr(timing, "MAX_STEPS", steps)
        found = measure(replace(TINY, adapter="conv_lora", batch_size=2))
        assert found.timing.step_ms.n == steps
        peaks.add(found.memory.peak_allocated_bytes)
    assert len(peaks) == 1


def test_memory_alone_is_the_same_without_times(record):
    alone = measure_memory(TINY)
    assert alone.source == record.source
    assert alone.memory == record.memory
    assert alone.timing == Timing()


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"),
    ],
)
def test_out_of_memory_is_a_result_that_says_what_is_needed(monkeypatch, error):
    def fail(*_):
        raise error

    monkeypatch.setattr(room, "warm_up", fail)
    record = measure(replace(TINY, checkpoint="miniature"))
    assert record.status == "oom"
    assert record.memory is None
    assert "predicted to hold" in record.message


@pytest.mark.parametrize("batch_size", [None, 1, 4, 7])
def test_advice_names_the_largest_batch_that_is_predicted_to_fit(batch_size):
    cell, free = Cell(adapter="decoder", backbone="vit_tiny", batch_size=16), 1000
    expected = "use a smaller --batch-size, --backbone or --image-size."
    if batch_size:
        memory = predict(replace(cell, batch_size=batch_size)).memory
        expected, free = f"--batch-size {batch_size} ", int(1.05 * memory.peak_allocated_bytes)
    assert room._advice(cell, room._peak_bytes(cell), free).startswith(expected)


def test_other_errors_are_not_swallowed(monkeypatch):
    def fail(*_):
        raise RuntimeError("shapes differ")

    monkeypatch.setattr(room, "warm_up", fail)
    with pytest.raises(RuntimeError, match="shapes differ"):
        measure(TINY)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_a_missing_device_is_named():
    with pytest.raises(UserError, match="no CUDA device here: use --device cpu"):
        measure(Cell(adapter="cad", device="cuda"))


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("adapter", ["decoder", "lora", "sam_adapter", "cad"])
def test_prediction_agrees_with_cuda(adapter):
    cell = Cell(adapter=adapter, backbone="vit_b", device="cuda")
    measured, predicted = measure(cell).memory, predict(cell).memory
    assert predicted.peak_allocated_bytes == pytest.approx(measured.peak_allocated_bytes, rel=0.05)
    assert sum(measured.breakdown_bytes.values()) == measured.peak_allocated_bytes

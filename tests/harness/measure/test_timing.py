"""Timing: how many steps are taken, and what is made of them."""

import pytest
import torch

from samfit.harness.measure import timing
from samfit.harness.measure.timing import time_steps, warm_up

CPU = torch.device("cpu")


def test_warm_up_steps_are_kept_apart():
    calls = []
    warmup_ms = warm_up(lambda: calls.append(1), CPU)
    result = time_steps(lambda: calls.append(1), CPU, 2, warmup_ms)
    assert len(result.warmup_ms) == timing.WARMUP_STEPS
    assert len(calls) == timing.WARMUP_STEPS + result.step_ms.n


def test_slow_steps_are_taken_at_least_three_times(monkeypatch):
    monkeypatch.setattr(timing, "ENOUGH_SECONDS", 0.0)
    assert time_steps(lambda: None, CPU, 1, []).step_ms.n == timing.MIN_STEPS


def test_fast_steps_are_taken_at_most_thirty_times():
    assert time_steps(lambda: None, CPU, 1, []).step_ms.n == timing.MAX_STEPS


@pytest.mark.parametrize(("samples", "stable"), [([10.0, 10.2, 10.4], True), ([10, 10, 20], False)])
def test_says_whether_the_spread_is_small(monkeypatch, samples, stable):
    monkeypatch.setattr(timing, "_samples", lambda *_: iter(samples))
    result = time_steps(lambda: None, CPU, 4, [])
    assert result.stable is stable
    assert result.images_per_second == pytest.approx(4000 / sorted(samples)[1])

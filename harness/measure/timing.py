"""Time a step: warm-up, CUDA events, medians and spread."""

import time
from collections.abc import Callable, Iterator

import numpy as np
import torch

from samfit.harness.record.record import Spread, Timing

WARMUP_STEPS = 2  # the first allocates and picks kernels, the second is the first in steady state
MIN_STEPS = 3
MAX_STEPS = 30
ENOUGH_SECONDS = 5.0
STABLE_SPREAD = 0.1


def warm_up(run: Callable[[], object], device: torch.device) -> list[float]:
    """Run the steps that are left out of the statistics; their times in milliseconds."""
    return [_timed(run, device) for _ in range(WARMUP_STEPS)]


def time_steps(
    run: Callable[[], object], device: torch.device, images: int, warmup_ms: list[float]
) -> Timing:
    """Time ``run``, a step over ``images`` images, until there are enough samples.

    At least 3 and at most 30 steps; between these, 5 seconds of them.
    """
    samples = list(_samples(run, device))
    p10, median, p90 = np.percentile(samples, [10, 50, 90]).tolist()
    return Timing(
        step_ms=Spread(median=median, p10=p10, p90=p90, n=len(samples)),
        samples_ms=samples,
        warmup_ms=warmup_ms,
        images_per_second=1000 * images / median,
        stable=p90 - p10 <= STABLE_SPREAD * median,
    )


def _samples(run: Callable[[], object], device: torch.device) -> Iterator[float]:
    begin = time.perf_counter()
    for count in range(MAX_STEPS):
        if count >= MIN_STEPS and time.perf_counter() - begin > ENOUGH_SECONDS:
            return
        yield _timed(run, device)


def _timed(run: Callable[[], object], device: torch.device) -> float:
    """Milliseconds of one step: between CUDA events on a GPU, by the clock on the CPU."""
    if device.type == "cuda":
        first, last = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        first.record()
        run()
        last.record()
        last.synchronize()
        return first.elapsed_time(last)
    begin = time.perf_counter()
    run()
    return 1000 * (time.perf_counter() - begin)

"""Two ways of doing the same, timed in turn: what else the machine does then slows both."""

import time
from collections.abc import Callable, Sequence

import numpy as np


def milliseconds(run: Callable[[], object]) -> float:
    """Time one call."""
    begin = time.perf_counter()
    run()
    return 1000 * (time.perf_counter() - begin)


def speedup(slow_ms: Sequence[float], fast_ms: Sequence[float]) -> dict[str, float]:
    """Statistics of the ratio slow over fast; equal positions are a pair."""
    ratios = np.divide(slow_ms, fast_ms)
    p10, median, p90 = np.percentile(ratios, [10, 50, 90]).tolist()
    return {"speedup_median": median, "speedup_p10": p10, "speedup_p90": p90}

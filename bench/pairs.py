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
    return statistics("speedup", np.divide(slow_ms, fast_ms))


def statistics(name: str, values: Sequence[float] | np.ndarray) -> dict[str, float]:
    """Median, 10th and 90th percentile of a figure, each under its name."""
    p10, median, p90 = np.percentile(values, [10, 50, 90]).tolist()
    return {f"{name}_median": median, f"{name}_p10": p10, f"{name}_p90": p90}

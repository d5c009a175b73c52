"""A score over a data set, and how far other images might have moved it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2_000
VALUES_AT_A_TIME = 2**22  # 32 MiB


@dataclass(frozen=True, kw_only=True)
class Score:
    """A value over images and its 95% bootstrap interval; of one image, all three are the same."""

    value: float
    low: float
    high: float


def scores_over_images(
    summands: NDArray[np.float64],
    scores_of_sums: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    seed: int,
) -> list[Score]:
    """S scores that depend on sums over n images, with percentile intervals of 2,000 resamples.

    Percentiles, and not BCa: they exist for images that all score the same, and stay where scores
    can be.

    Args:
        summands: (C, n), what each image adds to C sums.
        scores_of_sums: maps sums (C, R) of R data sets of n images to their scores (S, R).
        seed: of the resamples; methods that are scored on the same images share these.
    """
    [count] = summands.shape[1:]
    values = scores_of_sums(summands.sum(axis=1, keepdims=True))[:, 0]
    if count == 1:
        return [Score(value=value, low=value, high=value) for value in values.tolist()]
    from scipy.stats import bootstrap  # slow to import

    interval = bootstrap(
        (summands,),
        lambda drawn, axis: scores_of_sums(drawn.sum(axis)),
        axis=1,
        vectorized=True,
        n_resamples=RESAMPLES,
        batch=max(1, VALUES_AT_A_TIME // summands.size),
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    # A quotient of sums can be biased under resampling, and leave its interval; a mean cannot.
    lows, highs = np.minimum(interval.low, values), np.maximum(interval.high, values)
    rows = zip(values.tolist(), lows.tolist(), highs.tolist(), strict=True)
    return [Score(value=value, low=low, high=high) for value, low, high in rows]

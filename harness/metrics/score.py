"""Scores of images, and of a data set with how far other images might have moved them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

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


class PerImage:
    """Scores of images, and what each adds to the sums that a data set's scores come from.

    Attributes:
        names: of the images, in order of ``update``.
        per_image: by metric, one score an image in the same order; NaN where it has none.
        predicted: the classes that occur in a predicted mask.
    """

    def __init__(self) -> None:
        self.names: list[str] = []
        self.per_image: dict[str, list[float]] = {}
        self.predicted: set[int] = set()
        self._summands: list[NDArray[np.float64]] = []

    @property
    def only_class(self) -> int | None:
        """The class of every pixel of every predicted mask, if they have one: a collapse."""
        return next(iter(self.predicted)) if len(self.predicted) == 1 else None

    def _add(self, name: str, scores: Mapping[str, float], summands: ArrayLike) -> dict[str, float]:
        self.names.append(name)
        for key, score in scores.items():
            self.per_image.setdefault(key, []).append(float(score))
        self._summands.append(np.asarray(summands, dtype=np.float64))
        return {key: values[-1] for key, values in self.per_image.items()}

    def _added(self) -> NDArray[np.float64]:
        """(C, n): each image's summands, a column each."""
        if not self.names:
            raise ValueError("there is no score over no image: call update first")
        return np.stack(self._summands, axis=1)


def check_shapes(name: str, predicted: NDArray[np.generic], truth: NDArray[np.generic]) -> None:
    """Both are (H, W) with two pixels at least, as E-measure divides by H·W - 1.

    Raises:
        ValueError: if they are not.
    """
    if predicted.shape != truth.shape or predicted.ndim != 2 or predicted.size < 2:
        raise ValueError(
            f"{name}: prediction and truth must be (H, W) of the same size, two pixels or more, "
            f"got {predicted.shape} and {truth.shape}"
        )

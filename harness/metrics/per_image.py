"""What binary and multi-class metrics have in common: they remember every image."""

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray


class PerImage:
    """Scores of images, and what each adds to the sums that a data set's scores come from.

    Attributes:
        names: of the images, in order of ``update``.
        per_image: by metric, one score an image in the same order; NaN where it has none.
    """

    def __init__(self, keys: Iterable[str]) -> None:
        self.names: list[str] = []
        self.per_image: dict[str, list[float]] = {key: [] for key in keys}
        self._summands: list[NDArray[np.float64]] = []

    def _add(self, name: str, scores: Mapping[str, float], summands: ArrayLike) -> dict[str, float]:
        self.names.append(name)
        for key, values in self.per_image.items():
            values.append(float(scores[key]))
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

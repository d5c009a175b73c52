"""Scores of classes that exclude each other."""

import math

import numpy as np
from numpy.typing import NDArray

from samfit.errors import UserError
from samfit.harness.data.example import IGNORED
from samfit.harness.metrics.score import PerImage, Score, check_shapes, scores_over_images
from samfit.harness.metrics.table import class_key


class MultiClassMetrics(PerImage):
    """Scores of predicted classes, per image and over a data set.

    ``METRICS`` says what is computed. Pixels whose truth is 255 are ignored.

    Attributes:
        names: of the images, in order of ``update``.
        per_image: by metric, one score an image in the same order: its own mean over the classes
            that occur in it, in truth or prediction; NaN for a class that does not, and for an
            image without a labelled pixel.
    """

    def __init__(self, classes: int) -> None:
        if not 2 <= classes <= IGNORED:
            raise ValueError(f"classes must be from 2 to {IGNORED}, got {classes}")
        super().__init__()
        self.classes = classes

    def update(
        self, name: str, labels: NDArray[np.integer], truth: NDArray[np.integer]
    ) -> dict[str, float]:
        """Score one image.

        Args:
            name: of the image.
            labels: (H, W), the predicted class in 0..classes - 1.
            truth: (H, W), the right class, or 255: ignored.

        Returns:
            Its scores, by metric.

        Raises:
            ValueError: for other shapes or values.
        """
        self._check(name, labels, truth)
        known = truth != IGNORED
        pairs = truth[known].astype(np.intp) * self.classes + labels[known]
        confusion = np.bincount(pairs, minlength=self.classes**2).reshape(2 * (self.classes,))
        self.predicted |= set(np.flatnonzero(confusion.any(axis=0)).tolist())
        inside = confusion.diagonal()
        union = confusion.sum(axis=0) + confusion.sum(axis=1) - inside
        labelled = len(pairs)

        occurs = union > 0
        iou = np.full(self.classes, math.nan)
        iou[occurs] = inside[occurs] / union[occurs]
        scores = {
            "miou": iou[occurs].mean() if labelled else math.nan,
            "pixel_accuracy": inside.sum() / labelled if labelled else math.nan,
            **{class_key(index): value for index, value in enumerate(iou.tolist())},
        }
        return self._add(name, scores, [*inside, *union, labelled])

    def summary(self, seed: int = 0) -> dict[str, Score]:
        """By metric, the score of all pixels together; none of a class that occurs nowhere.

        Raises:
            UserError: if no pixel is labelled.
            ValueError: if no image was scored.
        """
        summands = self._added()
        summands = summands[:, summands[-1] > 0]  # other images have nothing to say
        if not summands.size:
            raise UserError(
                f"every pixel of every mask is {IGNORED}, which stands for ignored: "
                "there is nothing to score, so check the masks."
            )
        inside, union = summands[: self.classes], summands[self.classes : -1]
        occurring = np.flatnonzero(union.sum(axis=1))
        totals = inside[occurring].sum(axis=1) / union[occurring].sum(axis=1)

        def scores_of_sums(sums: NDArray[np.float64]) -> NDArray[np.float64]:
            inside, union, labelled = np.split(sums, [self.classes, 2 * self.classes])
            accuracy = inside.sum(axis=0) / labelled
            inside, union = inside[occurring], union[occurring]
            # A resample without a class has nothing to say against the value of all images.
            iou = np.where(union > 0, inside / np.maximum(union, 1), totals[:, None])
            return np.concatenate([iou.mean(axis=0)[None], accuracy, iou])

        keys = ("miou", "pixel_accuracy", *map(class_key, occurring.tolist()))
        return dict(zip(keys, scores_over_images(summands, scores_of_sums, seed), strict=True))

    def _check(self, name: str, labels: NDArray[np.integer], truth: NDArray[np.integer]) -> None:
        check_shapes(name, labels, truth)
        if not all(np.issubdtype(array.dtype, np.integer) for array in (labels, truth)):
            raise ValueError(
                f"{name}: classes must be integers, got {labels.dtype} and {truth.dtype}"
            )
        if not 0 <= labels.min() <= labels.max() < self.classes:
            raise ValueError(f"{name}: predicted classes must be below {self.classes}")
        wrong = (truth != IGNORED) & ((truth < 0) | (truth >= self.classes))
        if wrong.any():
            raise ValueError(f"{name}: classes must be below {self.classes}, or {IGNORED}")

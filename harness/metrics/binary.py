"""Scores of the probabilities of one mask."""

import math

import numpy as np
from numpy.typing import NDArray

from samfit.errors import UserError
from samfit.harness.metrics.score import PerImage, Score, check_shapes, scores_over_images

SMOOTH = 1e-3  # CAD's, in IoU and Dice
LARGE = 2**23  # pixels of an image, from where some scores are taken of every n-th pixel only


class BinaryMetrics(PerImage):
    """Scores of mask probabilities, per image and over a data set.

    Score at the mask's own size: bring probabilities to it before. ``METRICS`` says what is
    computed. MAE, S-measure, E-measure and weighted F-measure first stretch the probabilities of
    each image to 0..1, as the toolboxes for camouflaged objects do, but in float64: only the
    thresholds of E-measure are 8-bit, as they are there.

    Attributes:
        names: of the images, in order of ``update``.
        per_image: by metric, one score an image in the same order; ``ber_pooled`` has none.
    """

    def update(
        self, name: str, probability: NDArray[np.floating], truth: NDArray[np.bool_]
    ) -> dict[str, float]:
        """Score one image.

        Args:
            name: of the image.
            probability: (H, W) in 0..1.
            truth: (H, W), whether a pixel belongs to the object.

        Returns:
            Its scores, by metric.

        Raises:
            UserError: for probabilities that are not a number.
            ValueError: for other shapes, kinds or values.
        """
        # Here, because OpenCV and scikit-image take their time to import.
        from samfit.harness.metrics.saliency import saliency_scores

        _check(name, probability, truth)
        mask = probability > 0.5
        self.predicted |= set(np.unique(mask).astype(int).tolist())
        iou, dice = overlap(mask, truth)
        counts = outcomes(probability * 255 > 125, truth)
        scores = {
            "iou": iou,
            "dice": dice,
            **saliency_scores(*_reduced(probability, truth)),
            "ber": float(balanced_error_rate(counts)),
        }
        return self._add(name, scores, [*scores.values(), *counts])

    def summary(self, seed: int = 0) -> dict[str, Score]:
        """By metric: the mean over images, or ``ber_pooled`` of all their pixels together.

        Raises:
            ValueError: if no image was scored.
        """
        summands = self._added()

        def scores_of_sums(sums: NDArray[np.float64]) -> NDArray[np.float64]:
            means, pooled = sums[:-4] / len(self.names), balanced_error_rate(sums[-4:])
            return np.concatenate([means, pooled[None]])

        scores = scores_over_images(summands, scores_of_sums, seed)
        return dict(zip([*self.per_image, "ber_pooled"], scores, strict=True))


def _reduced(
    probability: NDArray[np.floating], truth: NDArray[np.bool_]
) -> tuple[NDArray[np.floating], NDArray[np.bool_]]:
    """Every n-th pixel of both where they are large: scores of structure take 90 bytes a pixel."""
    step = math.ceil(math.sqrt(truth.size / LARGE))
    return probability[::step, ::step], truth[::step, ::step]


def overlap(mask: NDArray[np.bool_], truth: NDArray[np.bool_]) -> tuple[float, float]:
    """IoU and Dice of two masks (H, W), smoothed: 1 if both are empty."""
    _, false_positive, false_negative, inside = outcomes(mask, truth)
    union = inside + false_positive + false_negative
    return (inside + SMOOTH) / (union + SMOOTH), (2 * inside + SMOOTH) / (inside + union + SMOOTH)


def outcomes(mask: NDArray[np.bool_], truth: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Pixels that are true negative, false positive, false negative, true positive: (4,)."""
    inside, predicted, real = map(np.count_nonzero, (mask & truth, mask, truth))
    neither = mask.size - predicted - real + inside
    return np.array([neither, predicted - inside, real - inside, inside])


def balanced_error_rate(counts: NDArray[np.number]) -> NDArray[np.float64]:
    """1 - mean of the recalls of both classes, for counts as of ``outcomes``, (4, ...) to (...).

    A class that is neither there nor predicted is left out; one only predicted has recall 0.
    """
    right, missed = counts[[0, 3]], counts[[1, 2]]  # of the background, of the foreground
    occurs = right + missed.sum(axis=0) > 0
    recall = right / np.maximum(right + missed, 1)
    return 1 - recall.sum(axis=0) / occurs.sum(axis=0)


def _check(name: str, probability: NDArray[np.floating], truth: NDArray[np.bool_]) -> None:
    check_shapes(name, probability, truth)
    if not np.issubdtype(probability.dtype, np.floating) or truth.dtype != np.bool_:
        raise ValueError(
            f"{name}: probabilities must be floating and truth boolean, "
            f"got {probability.dtype} and {truth.dtype}"
        )
    if np.isnan(probability).any():
        raise UserError(
            f"the mask predicted for {name} is not a number, so training has diverged: "
            "train again with a lower --learning-rate."
        )
    if probability.min() < 0 or probability.max() > 1:
        raise ValueError(f"{name}: probabilities must be within 0..1")

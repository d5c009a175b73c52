"""Scores of objects that were prompted one by one."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from samfit.harness.metrics.binary import overlap
from samfit.harness.metrics.score import PerImage, Score, check_shapes, scores_over_images

Pair = tuple[NDArray[np.bool_], NDArray[np.bool_]]  # the mask of an object (H, W), and the truth


class InstanceMetrics(PerImage):
    """Scores of the masks of objects, per image and over a data set.

    ``METRICS`` says what is computed.

    Attributes:
        names: of the images, in order of ``update``.
        per_image: by metric, one score an image in the same order: the mean over its objects; NaN
            for an image without objects.
        objects: scores of each object, with the ``image`` that it is in and its number there.
    """

    def __init__(self) -> None:
        super().__init__()
        self.objects: list[dict[str, str | float]] = []

    def update(self, name: str, masks: Iterable[Pair]) -> dict[str, float]:
        """Score the objects of one image.

        Args:
            name: of the image.
            masks: of each object: what was predicted (H, W), and the truth, where it is.

        Returns:
            The means of their scores, by metric.

        Raises:
            ValueError: for other shapes.
        """
        scores = []
        for number, (mask, truth) in enumerate(masks):
            check_shapes(name, mask, truth)
            iou, dice = overlap(mask, truth)
            # Not by the smoothed IoU, which is above 0.5 where half of the union is shared.
            half = np.count_nonzero(mask & truth) > np.count_nonzero(mask | truth) / 2
            scores.append((iou, dice, float(half)))
            self.predicted |= {int(kind) for kind in np.unique(mask)}
            self.objects.append({"image": name, "object": number, "iou": iou, "dice": dice})
        found = np.array(scores).reshape(-1, 3)
        sums = found.sum(0)
        means = sums / len(found) if len(found) else np.full(3, np.nan)
        own = dict(zip(("iou", "dice", "found"), means.tolist(), strict=True))
        mean = own["iou"] if len(found) else 0.0
        return self._add(name, own, [*sums, len(found), mean, float(len(found) > 0)])

    def summary(self, seed: int = 0) -> dict[str, Score]:
        """By metric: the mean over all objects; ``iou_of_images`` is the mean over images.

        Intervals are over images, since objects of one image are alike.

        Raises:
            ValueError: if no image was scored.
        """
        summands = self._added()

        def scores_of_sums(sums: NDArray[np.float64]) -> NDArray[np.float64]:
            objects, images = np.maximum(sums[3:4], 1), np.maximum(sums[5:6], 1)
            return np.concatenate([sums[:3] / objects, sums[4:5] / images])

        keys = ("iou", "dice", "found", "iou_of_images")
        return dict(zip(keys, scores_over_images(summands, scores_of_sums, seed), strict=True))

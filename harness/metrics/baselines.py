"""Scores of masks that need no model: what a trained one has to beat. Needs no torch.

All of them follow from counts of each image's pixels, so that one pass over the images is enough.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from samfit.harness.data.example import IGNORED, Mask
from samfit.harness.metrics.binary import SMOOTH

# What each baseline is, in a sentence that says what a model is worse than.
BASELINES = {
    "all_background": "calling everything background",
    "all_foreground": "calling everything foreground",
    "grey_threshold": "the best grey threshold",
    "filled_box": "filling the box of each object",
    "most_frequent_class": "calling everything the most frequent class",
}
GREYS = 256

Counts = NDArray[np.int64]


def pixel_counts(image: NDArray[np.uint8], mask: Mask, classes: int) -> Counts:
    """What ``baseline_scores`` has to know of one image (H, W, 3) and its mask.

    Returns:
        (2, 256) for one class: pixels of the background and of the foreground, by their grey. Else
        (K,): pixels by class, without ignored ones.
    """
    if classes > 1:
        return np.bincount(mask[mask != IGNORED].ravel(), minlength=classes)
    there = mask > 0
    grey = np.asarray(Image.fromarray(image).convert("L"))
    return np.stack([np.bincount(grey[each], minlength=GREYS) for each in (~there, there)])


def baseline_scores(chosen: Sequence[Counts], scored: Sequence[Counts]) -> dict[str, float]:
    """The main metric of each baseline on the images ``scored``.

    Args:
        chosen: counts of the images on which threshold and class are chosen.
        scored: counts of the images that are scored.

    Returns:
        By name, see ``BASELINES``: IoU, or mIoU of several classes, as ``METRICS`` defines them.
    """
    if scored[0].ndim == 1:
        return {"most_frequent_class": _miou(np.sum(chosen, axis=0), np.sum(scored, axis=0))}
    of_thresholds = _ious(np.stack(scored))
    return {
        "all_background": float(of_thresholds[GREYS - 1]),
        "all_foreground": float(of_thresholds[-1]),
        "grey_threshold": float(of_thresholds[_ious(np.stack(chosen)).argmax()]),
    }


def _ious(counts: Counts) -> NDArray[np.float64]:
    """The IoU of each threshold, a mean over images: (512,) for counts (n, 2, 256).

    First come masks of the greys above 0, 1, ... 255, which is none, then of those up to 0, 1, ...
    255, which is all.
    """
    up_to = counts.cumsum(axis=2)
    found = np.concatenate([up_to[..., -1:] - up_to, up_to], axis=2)
    inside, area = found[:, 1], counts[:, 1].sum(axis=1, keepdims=True)
    union = found.sum(axis=1) + area - inside
    return ((inside + SMOOTH) / (union + SMOOTH)).mean(axis=0)


def _miou(chosen: Counts, scored: Counts) -> float:
    """The mIoU of calling every pixel the class that ``chosen`` has most of."""
    most = chosen.argmax()
    occurring = np.count_nonzero(scored) + (scored[most] == 0)
    return float(scored[most] / max(scored.sum(), 1) / occurring)

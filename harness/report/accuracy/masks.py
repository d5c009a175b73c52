"""The masks that a scored record keeps, beside the images that they belong to."""

import base64
import io
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from samfit.harness.metrics import MultiClassMetrics, main_metric
from samfit.harness.metrics.binary import overlap
from samfit.harness.miniature.dataset import miniature
from samfit.harness.record.record import Record
from samfit.harness.report.accuracy.scored import accuracy_of

TOLERANCE = 1e-3  # between the score of a record and that of its mask

Mask = NDArray[np.uint8]  # (H, W), class indices


class Picture(NamedTuple):
    """A test image (H, W, 3), RGB in 0..255, and its true mask (H, W)."""

    task: str
    number: int
    image: NDArray[np.uint8]
    truth: Mask


def picture(task: str, number: int) -> Picture:
    """The test image ``number``, from 0, of a miniature task."""
    return Picture(task, number, *miniature(task).test[number].read())


def mask_of(record: Record, shown: Picture) -> tuple[Mask, float] | None:
    """What was predicted for a picture (H, W), and its score; None if it is not kept or broken.

    So is a mask whose score is not the one that the record has: then it belongs to an image that
    the task draws no more.
    """
    accuracy = accuracy_of(record)
    scores = accuracy.per_image.get(main_metric(accuracy.classes), [])
    if shown.number >= min(len(accuracy.masks_png), len(scores)):
        return None
    mask = _decoded(accuracy.masks_png[shown.number], shown.truth.shape, accuracy.classes)
    expected = scores[shown.number]
    if mask is None or expected is None:
        return None
    if accuracy.classes == 1:
        score = overlap(mask > 0, shown.truth > 0)[0]
    else:
        score = MultiClassMetrics(accuracy.classes).update("", mask, shown.truth)["miou"]
    return (mask, score) if abs(score - expected) < TOLERANCE else None


def _decoded(text: str, shape: tuple[int, ...], classes: int) -> Mask | None:
    """The mask in a PNG file in base64, if it is one of this shape (H, W) and so many classes."""
    try:
        with Image.open(io.BytesIO(base64.b64decode(text)), formats=("PNG",)) as file:
            if (file.height, file.width) != shape:
                return None
            pixels = np.array(file)
    except Exception:  # a damaged file makes Pillow raise almost anything
        return None
    if pixels.dtype != np.uint8 or pixels.ndim != 2:
        return None
    if classes == 1:
        return (pixels > 127).astype(np.uint8)
    return pixels if pixels.max() < classes else None

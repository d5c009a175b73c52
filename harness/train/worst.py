"""The images of an evaluation whose masks are the worst, to look at."""

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image

from samfit.adapters.core.adapted import AdaptedSam
from samfit.harness.data.example import Example, Kind, Mask
from samfit.harness.record.cell import Cell
from samfit.harness.record.shown import Shown
from samfit.harness.train.inference import labels, predictions, score_objects
from samfit.harness.train.tiles import Tiling

SIDE = 512  # pixels of the longer side: photographs would fill the memory, thumbnails show no edges


def worst_of(
    cell: Cell,
    model: AdaptedSam,
    examples: Sequence[Example],
    scores: Sequence[float],
    count: int,
    tiling: Tiling | None = None,
    kind: Kind = "binary",
) -> list[Shown]:
    """The ``count`` examples with the lowest of their ``scores``, the lowest first.

    Examples whose score is not a number are left out. Their masks are predicted once more.
    """
    known = [index for index, score in enumerate(scores) if not math.isnan(score)]
    chosen = sorted(known, key=lambda index: scores[index])[:count]
    if kind == "instances":
        each = [examples[index] for index in chosen]
        _, masks = score_objects(cell, model, each, keep=len(each))
        return [
            _shown(example, scores[index], mask, example.read()[1])
            for index, example, mask in zip(chosen, each, masks, strict=True)
        ]
    found = predictions(cell, model, examples, only=chosen, tiling=tiling)
    return [
        _shown(examples[index], scores[index], labels(logits), truth)
        for index, (logits, truth) in zip(chosen, found, strict=True)
    ]


def _shown(example: Example, score: float, mask: Mask, truth: Mask) -> Shown:
    image, _ = example.read()
    height, width = image.shape[:2]
    share = SIDE / max(height, width)
    size = max(1, round(share * width)), max(1, round(share * height))
    small = Image.fromarray(image).resize(size, Image.Resampling.BOX)
    flat = truth.any(axis=0) if truth.ndim == 3 else truth
    masks = [
        np.asarray(Image.fromarray(each.astype(np.uint8)).resize(size, Image.Resampling.NEAREST))
        for each in (flat, mask)
    ]
    return Shown(example.name, score, np.asarray(small), *masks)

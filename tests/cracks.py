"""Cracks in plaster, too thin for SAM's input: what tiles are for."""

import cv2
import numpy as np
from tiny_task import Made

from samfit import DataSet

SIDE, WIDTH = 1024, 2  # of an image, and of a crack, in pixels
STEPS, STRIDE = 60, 24  # of a crack's walk, and pixels of each


def cracks(train: int, test: int) -> DataSet:
    """Images of ``SIDE`` x ``SIDE`` pixels with a few cracks each, no two alike."""
    examples = tuple(_cracked(index) for index in range(train + test))
    return DataSet(name="cracks", classes=1, train=examples[:train], test=examples[train:])


def _cracked(index: int) -> Made:
    """Plaster in light and shade, where no grey tells the dark cracks that wander across it."""
    chance = np.random.default_rng(index)
    mask = np.zeros((SIDE, SIDE), np.uint8)
    for _ in range(3):
        cv2.polylines(mask, [_walk(chance)], False, 1, WIDTH)
    uneven = cv2.resize(chance.normal(0, 35, (16, 16)), (SIDE, SIDE))
    plaster = 140 + uneven + chance.normal(0, 12, (SIDE, SIDE))
    grey = np.where(mask, plaster - 70, plaster).clip(0, 255).astype(np.uint8)
    return Made(f"{index:03}", np.stack([grey] * 3, axis=-1), mask)


def _walk(chance: np.random.Generator) -> np.ndarray:
    """The corners (n, 2) of a path that starts anywhere and turns a little at each."""
    angles = chance.uniform(0, 2 * np.pi) + chance.normal(0, 0.25, STEPS).cumsum()
    steps = STRIDE * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return (chance.uniform(0, SIDE, 2) + steps.cumsum(0)).astype(np.int32)

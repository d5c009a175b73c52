"""A task that is learnt in seconds: find what is bright; its colour is its class."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import save_file

from samfit import Cell, DataSet, Progress, build_sam

SIDE = 64  # 4 x 4 tokens
COLOURS = np.array([[0, 0, 0], [150, 150, 150], [150, 0, 0], [0, 150, 0]], dtype=np.uint8)


@dataclass(frozen=True)
class Made:
    """An example that is in memory."""

    name: str
    image: NDArray[np.uint8]
    mask: NDArray[np.uint8]

    def read(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        return self.image, self.mask


def made(index: int, classes: int = 1, height: int = SIDE, width: int = SIDE) -> Made:
    """A grainy image with a rectangle for each class but the background, side by side."""
    chance = np.random.default_rng(index)
    image = chance.integers(0, 100, (height, width, 3), dtype=np.uint8)
    mask = np.zeros((height, width), dtype=np.uint8)
    shapes = max(1, classes - 1)
    stripe = width // shapes
    for label in range(1, shapes + 1):
        left = (label - 1) * stripe + chance.integers(0, stripe // 2)
        top = chance.integers(0, height // 2)
        mask[top : top + height // 2, left : left + stripe // 2] = label
    return Made(f"{index:03}", image + COLOURS[mask], mask)


def tiny_data(train: int = 6, val: int = 0, test: int = 0, classes: int = 1) -> DataSet:
    """Examples of ``SIDE`` x ``SIDE`` pixels, no two alike."""
    examples = tuple(made(index, classes) for index in range(train + val + test))
    return DataSet(
        name="tiny",
        classes=classes,
        train=examples[:train],
        val=examples[train : train + val],
        test=examples[train + val :],
    )


def tiny_cell(adapter: str = "decoder", **fields: object) -> Cell:
    """A Cell on the CPU that trains on ``tiny_data`` in milliseconds."""
    usual = {"backbone": "vit_tiny", "image_size": SIDE, "batch_size": 2, "device": "cpu"}
    return Cell(adapter=adapter, **{**usual, **fields})


def write_pairs(folder: Path, examples: list[Made], scale: int = 255) -> None:
    """Each image and mask as PNG files, in ``images`` and ``masks``; masks ``scale`` times."""
    for example in examples:
        for kind, pixels in (("images", example.image), ("masks", example.mask * np.uint8(scale))):
            file = folder / kind / f"{example.name}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(file)


def write_checkpoint(path: Path) -> None:
    """Random weights of the smallest SAM, as a file for ``--checkpoint``."""
    torch.manual_seed(0)
    save_file(build_sam("vit_tiny", SIDE).state_dict(), path)


class Told(Progress):
    """Keeps what it is told.

    ``tracked`` is what was done, of how many items, and how many there were; ``said`` the remarks.
    """

    def __init__(self) -> None:
        self.tracked: list[tuple[str, int, int]] = []
        self.said: list[str] = []

    def track(self, items, total, what):
        done = 0
        for done, item in enumerate(items, 1):  # noqa: B007
            yield item
        self.tracked.append((str(what), total, done))

    def say(self, remark: str) -> None:
        self.said.append(remark)

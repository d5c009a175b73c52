"""What a training step takes: images, prompts and masks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from samfit.adapters.sam.find import backbone_sizes
from samfit.harness.record.cell import Cell
from samfit.harness.step.losses import LOSSES

POINTS = 3  # a prompt of points; where an object has no room for so many, some stand for nothing


@dataclass(frozen=True)
class Batch:
    """One batch, on the device.

    Attributes:
        images: (B, 3, S, S) raw RGB, uint8.
        boxes: (B, P, 4) prompts in pixels, float32, or None.
        masks: (B·P, 1, M, M) targets, 0 or 1 or a class, float32; M as the loss wants it. None
            where nothing is trained.
        embedding: (B, C, g, g) of the images, from a cache, or None.
        points: (B, P, n, 3) prompts, x, y and label, float32, or None.
    """

    images: Tensor
    boxes: Tensor | None = None
    masks: Tensor | None = None
    embedding: Tensor | None = None
    points: Tensor | None = None

    def to(self, device: torch.device) -> "Batch":
        """The same batch on ``device``."""
        moved: Any = {n: t if t is None else t.to(device) for n, t in vars(self).items()}
        return Batch(**moved)

    def tensors(self) -> list[Tensor]:
        """The tensors that there are."""
        return [t for t in vars(self).values() if t is not None]

    def cut(self, parts: int) -> list["Batch"]:
        """The batch in ``parts`` of equal size."""
        columns = ([None] * parts if t is None else t.chunk(parts) for t in vars(self).values())
        return [Batch(*part) for part in zip(*columns, strict=True)]

    @staticmethod
    def join(parts: Sequence["Batch"]) -> "Batch":
        """Several batches, all with the same kind of prompt, as one."""
        columns = zip(*(vars(part).values() for part in parts), strict=True)
        joined: list[Any] = [None if c[0] is None else torch.cat(c) for c in columns]
        return Batch(*joined)


def random_batch(cell: Cell) -> Batch:
    """Random images and masks of the Cell's sizes; the box prompts span the whole image.

    Embeddings are random too, if they are to come from a cache.
    """
    side, count = cell.image_size, cell.batch_size
    prompts = cell.prompts_per_image
    images = torch.randint(0, 256, (count, 3, side, side), dtype=torch.uint8)
    boxes = torch.tensor([0.0, 0.0, side, side]).repeat(count, prompts, 1)
    mask_side = side // LOSSES[cell.loss].reduction
    masks = torch.randint(0, 2, (count * prompts, 1, mask_side, mask_side)).float()
    embedding = None
    if cell.cache_embeddings:
        sizes = backbone_sizes(cell.backbone)
        channels, grid = sizes.embedding, side // sizes.stride
        embedding = torch.randn(count, channels, grid, grid)
    boxed = cell.prompt in ("box", "mask_box")
    points = torch.zeros(count, prompts, POINTS, 3) if cell.prompt == "points" else None
    return Batch(images, boxes if boxed else None, masks, embedding, points)

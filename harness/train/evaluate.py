"""Masks of examples at their own size, and how good they are."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader

from samfit.adapters.core.adapted import AdaptedSam
from samfit.errors import UserError
from samfit.harness.data.example import Example
from samfit.harness.metrics import BinaryMetrics, MultiClassMetrics
from samfit.harness.record.cell import Cell
from samfit.harness.step.step import Batch, Step
from samfit.harness.train.embeddings import EmbeddingCache
from samfit.harness.train.samples import SamplesWithTruth

Metrics = BinaryMetrics | MultiClassMetrics
Truth = NDArray[np.uint8]  # (H, W)


def evaluate(
    cell: Cell,
    model: AdaptedSam,
    examples: Sequence[Example],
    device: torch.device,
    workers: int = 0,
    cache: EmbeddingCache | None = None,
    progress: Callable[[], None] = lambda: None,
    keep: int | None = None,
) -> tuple[Metrics, list[NDArray[np.uint8]]]:
    """Score the masks of ``examples`` at the size of their own masks.

    Returns:
        the scores, and the predicted masks (H, W) as class indices, in the order of the examples;
        of the first ``keep`` examples only, as those of large photographs would fill the memory.

    Raises:
        UserError: if the model gives masks that are no numbers.
    """
    classes = model.adapter.settings.classes
    metrics: Metrics = MultiClassMetrics(classes) if classes > 1 else BinaryMetrics()
    masks: list[NDArray[np.uint8]] = []
    found = predictions(cell, model, examples, device, workers, cache)
    for example, (logits, truth) in zip(examples, found, strict=True):
        mask = labels(logits)
        if isinstance(metrics, BinaryMetrics):
            probability = logits[0].sigmoid().cpu().double().numpy()
            metrics.update(example.name, probability, truth > 0)
        else:
            metrics.update(example.name, mask, truth)
        if keep is None or len(masks) < keep:
            masks.append(mask)
        progress()
    return metrics, masks


def predictions(
    cell: Cell,
    model: AdaptedSam,
    examples: Sequence[Example],
    device: torch.device,
    workers: int = 0,
    cache: EmbeddingCache | None = None,
) -> Iterator[tuple[Tensor, Truth]]:
    """Logits (K, H, W) of each example at the size of its mask, and the mask itself.

    The forward pass is the one that ``samfit predict --phase infer`` traces.
    """
    samples = SamplesWithTruth(examples, cell)
    loader: DataLoader[Any] = DataLoader(
        samples, cell.batch_size, num_workers=workers, collate_fn=_join
    )
    for batch, truths in loader:
        logits = infer(cell, model, batch.to(device), cache)
        if not logits.isfinite().all():
            raise UserError("the model gives masks that are no numbers: its training diverged.")
        for one, truth in zip(logits, truths, strict=True):
            yield to_size(one, truth.shape), truth


def infer(
    cell: Cell, model: AdaptedSam, batch: Batch, cache: EmbeddingCache | None = None
) -> Tensor:
    """Logits (B, K, S, S) of a batch; the model is left in eval mode."""
    if cache is not None:
        batch = replace(batch, embedding=cache.get(batch.images))
    return Step(replace(cell, phase="infer"), model, batch).run()


def to_size(logits: Tensor, size: tuple[int, ...]) -> Tensor:
    """Logits (K, S, S) at the size (H, W) of the image, as SAM's own post-processing does."""
    return F.interpolate(logits[None], size, mode="bilinear", align_corners=False)[0]


def labels(logits: Tensor) -> NDArray[np.uint8]:
    """The class (H, W) of each pixel: 0 or 1 for the logits (1, H, W) of a single mask."""
    found = logits.argmax(0) if len(logits) > 1 else logits[0] > 0
    return found.cpu().numpy().astype(np.uint8)


def _join(rows: list[tuple[Batch, Truth]]) -> tuple[Batch, list[Truth]]:
    batches, truths = zip(*rows, strict=True)
    return Batch.join(batches), list(truths)

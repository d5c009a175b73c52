"""Masks that a model gives: of examples, with their scores, and of a single image."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader

from samfit.adapters.core.adapted import AdaptedSam
from samfit.harness.data.example import Example, Kind
from samfit.harness.metrics import BinaryMetrics, InstanceMetrics, Metrics, MultiClassMetrics
from samfit.harness.metrics.binary import LARGE
from samfit.harness.metrics.instances import Pair
from samfit.harness.record.cell import Cell
from samfit.harness.step.batch import Batch
from samfit.harness.step.losses import resize
from samfit.harness.step.step import Step
from samfit.harness.train.embeddings import EmbeddingCache
from samfit.harness.train.objects import masks_of, objects_of, prompts_of
from samfit.harness.train.prompts import Asked
from samfit.harness.train.samples import Mask, Samples, squash_image, whole_image
from samfit.harness.train.scheduled_step import DivergedError, seed_of
from samfit.harness.train.tiles import Part, Tiling
from samfit.progress import SILENT, Progress


def score_masks(
    cell: Cell,
    model: AdaptedSam,
    examples: Sequence[Example],
    workers: int = 0,
    cache: EmbeddingCache | None = None,
    progress: Progress = SILENT,
    what: str = "scoring",
    keep: int = 0,
    tiling: Tiling | None = None,
    kind: Kind = "binary",
) -> tuple[Metrics, list[Mask]]:
    """Score the masks of ``examples`` at the size of their own masks.

    If these are of the ``kind`` instances, each object is prompted by itself.

    Returns:
        the scores, and the predicted masks (H, W) of the first ``keep`` examples as class indices;
        all, as large as photographs may be, would fill the memory.

    Raises:
        DivergedError: if the model gives masks that are no numbers.
    """
    if kind == "instances":
        return score_objects(cell, model, examples, cache, progress, what, keep)
    metrics: BinaryMetrics | MultiClassMetrics
    metrics = MultiClassMetrics(cell.classes) if cell.classes > 1 else BinaryMetrics()
    masks: list[Mask] = []
    found = predictions(cell, model, examples, workers, cache, tiling=tiling)
    for example, (logits, truth) in zip(
        examples, progress.track(found, len(examples), what), strict=True
    ):
        mask = labels(logits)
        if isinstance(metrics, BinaryMetrics):
            probability = logits[0].sigmoid().cpu()
            if probability.numel() <= LARGE:  # as the stored scores were computed
                probability = probability.double()
            metrics.update(example.name, probability.numpy(), truth > 0)
        else:
            metrics.update(example.name, mask, truth)
        if len(masks) < keep:
            masks.append(mask)
    return metrics, masks


def score_objects(
    cell: Cell,
    model: AdaptedSam,
    examples: Sequence[Example],
    cache: EmbeddingCache | None = None,
    progress: Progress = SILENT,
    what: str = "scoring",
    keep: int = 0,
) -> tuple[InstanceMetrics, list[Mask]]:
    """Score the mask of each object of ``examples`` at the size of its image.

    Returns:
        the scores, and of the first ``keep`` examples what is in any predicted mask (H, W).

    Raises:
        DivergedError: if the model gives masks that are no numbers.
    """
    metrics, kept = InstanceMetrics(), list[Mask]()
    for index, example in enumerate(progress.track(examples, len(examples), what)):
        image, mask = example.read()
        together = np.zeros(mask.shape[1:], np.uint8)
        pairs = _objects(cell, model, image, mask, seed_of(cell.seed, "objects", index), cache)
        metrics.update(example.name, _drawn(pairs, together))
        if len(kept) < keep:
            kept.append(together)
    return metrics, kept


def _objects(
    cell: Cell,
    model: AdaptedSam,
    image: NDArray[np.uint8],
    mask: Mask,
    seed: int,
    cache: EmbeddingCache | None,
) -> Iterator[Pair]:
    """For each object of an image, the mask (H, W) that its prompt gives, and where it is."""
    size = mask.shape[1:]
    objects = objects_of(mask)
    if not objects:
        return
    pixels = squash_image(image, cell.image_size)[None].contiguous()
    embedding = None if cache is None else cache.get(pixels)
    prompts = prompts_of(cell, objects, size, seed)
    found = masks_of(cell, model, pixels, *prompts, embedding)
    for each, logits in zip(objects, found, strict=True):
        _check_finite(logits)
        predicted = to_size(resize(logits[None], cell.image_size)[0], size)
        yield labels(predicted) > 0, each.whole(size)


def _drawn(pairs: Iterator[Pair], together: Mask) -> Iterator[Pair]:
    """``pairs``, with what each predicts drawn into one mask."""
    for predicted, truth in pairs:
        np.maximum(together, predicted, out=together)
        yield predicted, truth


def predictions(
    cell: Cell,
    model: AdaptedSam,
    examples: Sequence[Example],
    workers: int = 0,
    cache: EmbeddingCache | None = None,
    only: Sequence[int] | None = None,
    tiling: Tiling | None = None,
) -> Iterator[tuple[Tensor, Mask]]:
    """Logits (K, H, W) of each example at the size of its mask, and the mask itself.

    With ``only``, of the examples with these indices: each has the prompt that it has among all.

    The forward pass is the one that ``samfit predict --phase infer`` traces.
    """
    if tiling is not None:
        for example in examples if only is None else (examples[index] for index in only):
            image, truth = example.read()
            yield _of_whole_image(cell, model, image, tiling), truth
        return
    loader: DataLoader[Any] = DataLoader(
        Samples(examples, replace(cell, phase="infer")),
        cell.batch_size,
        sampler=[(0, index) for index in (range(len(examples)) if only is None else only)],
        num_workers=workers,
        collate_fn=_join,
    )
    for batch, truths in loader:
        logits = infer(cell, model, batch, cache)
        _check_finite(logits)
        for one, truth in zip(logits, truths, strict=True):
            yield to_size(one, truth.shape), truth


def predict_masks(
    cell: Cell,
    model: AdaptedSam,
    image: NDArray[np.uint8],
    asked: Asked,
    tiling: Tiling | None = None,
) -> Iterator[Tensor]:
    """Logits (K, H, W) of each object that is asked for in an RGB image (H, W, 3).

    Raises:
        UserError: as ``Asked.check`` and ``check_inside``.
    """
    asked.check(cell)
    size = image.shape[:2]
    asked.check_inside(size)
    boxes, points = asked.on_input(cell.image_size, size)
    if boxes is None and points is None:
        yield _of_whole_image(cell, model, image, tiling)
        return
    pixels = squash_image(image, cell.image_size)[None].contiguous()
    for logits in masks_of(cell, model, pixels, boxes, points):
        _check_finite(logits)
        yield to_size(resize(logits[None], cell.image_size)[0], size)


def _of_whole_image(
    cell: Cell, model: AdaptedSam, image: NDArray[np.uint8], tiling: Tiling | None
) -> Tensor:
    """Logits (K, H, W) of an image without a prompt of its own, or blended from its tiles."""
    size = image.shape[:2]

    def logits_of(part: Part) -> Tensor:
        crop = np.ascontiguousarray(image[part])
        pixels = squash_image(crop, cell.image_size)[None].contiguous()
        box = whole_image(cell.image_size) if cell.prompt == "box" else None
        logits = infer(cell, model, Batch(pixels, box))
        _check_finite(logits)
        return to_size(logits[0], crop.shape[:2])

    if tiling is None:
        return logits_of((slice(size[0]), slice(size[1])))
    return tiling.blended(size, logits_of)


def infer(
    cell: Cell, model: AdaptedSam, batch: Batch, cache: EmbeddingCache | None = None
) -> Tensor:
    """Logits (B, K, S, S) of a batch, on the model's device; the model is left in eval mode."""
    batch = batch.to(model.backbone.device)
    if cache is not None:
        batch = replace(batch, embedding=cache.get(batch.images))
    return Step(replace(cell, phase="infer"), model, batch).run()


def _check_finite(logits: Tensor) -> None:
    if not logits.isfinite().all():
        raise DivergedError(
            "the model's masks are not numbers, so its training diverged: train again with a "
            "lower --learning-rate."
        )


def to_size(logits: Tensor, size: tuple[int, ...]) -> Tensor:
    """Logits (K, S, S) at the size (H, W) of the image, as SAM's own post-processing does."""
    return F.interpolate(logits[None], size, mode="bilinear", align_corners=False)[0]


def labels(logits: Tensor) -> Mask:
    """The class (H, W) of each pixel: 0 or 1 for the logits (1, H, W) of a single mask."""
    found = logits.argmax(0) if len(logits) > 1 else logits[0] > 0
    return found.cpu().numpy().astype(np.uint8)


def _join(rows: list[tuple[Batch, Mask]]) -> tuple[Batch, list[Mask]]:
    batches, truths = zip(*rows, strict=True)
    return Batch.join(batches), list(truths)

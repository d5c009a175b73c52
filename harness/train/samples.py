"""Examples as the training step takes them: squashed to SAM's input, varied, with a prompt."""

import signal
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision import tv_tensors
from torchvision.transforms import v2

from samfit.harness.data.example import IGNORED, Example
from samfit.harness.record.cell import Cell, Prompt
from samfit.harness.record.recipe import Augment
from samfit.harness.step.batch import POINTS, Batch
from samfit.harness.step.losses import LOSSES
from samfit.harness.train.scheduled_step import seed_of

# Outwards, in training: of the image's side, SAM-COBOT's recipe (arXiv 2311.17112); for one of
# several objects, which may be small, of the box's own sides, as SAM was (arXiv 2304.02643,
# section A).
BOX_JITTER, OBJECT_JITTER = 20 / 256, 0.1

Which = tuple[int, int]  # an epoch and the index of an example
Mask = NDArray[np.uint8]  # (H, W)

# CAD's recipe (arXiv 2409.15889): every other image is flipped, turned, or shifted, scaled and
# rotated, by the limits of the library that it takes. Here what comes in from outside is black.
GEOMETRIC = v2.RandomApply(
    [
        v2.RandomChoice(
            [
                v2.RandomHorizontalFlip(1),
                v2.RandomVerticalFlip(1),
                v2.RandomChoice([v2.RandomRotation((turn, turn)) for turn in (90, 180, 270)]),
                v2.RandomAffine(45, translate=(1 / 16, 1 / 16), scale=(0.9, 1.1)),
            ]
        )
    ],
    p=0.5,
)
AUGMENTATIONS: dict[Augment, v2.Transform] = {
    "none": v2.Identity(),
    "flip": v2.RandomHorizontalFlip(0.5),
    "geometric": GEOMETRIC,
}


class Samples(Dataset[tuple[Batch, Mask]]):
    """Examples of a data set as batches of one, each with its mask at its own size.

    Of instances, each image has as many prompts as the Cell says, each with the mask of an object.
    Images are squashed to S x S, as the adapters' official recipes do; masks take their nearest
    pixels. What is random depends on the seed, the epoch and the example alone, so a run that
    resumes, or loads with more processes, sees the same.
    """

    def __init__(self, examples: Sequence[Example], cell: Cell, augment: Augment = "none") -> None:
        self.examples, self.cell, self.augment = examples, cell, augment

    def __getitem__(self, which: Which) -> tuple[Batch, Mask]:
        image, mask = self.examples[which[1]].read()
        layers = mask if mask.ndim == 3 else mask[None]
        pixels = squash_image(image, self.cell.image_size)
        target = _squash(tv_tensors.Mask(torch.from_numpy(layers)), self.cell.image_size)
        training = self.cell.phase == "train"
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed_of(self.cell.seed, "sample", *which))
            if self.augment != "none":
                pixels, target = AUGMENTATIONS[self.augment](pixels, target)
            several, jitter = mask.ndim == 3, (BOX_JITTER, 0.0)
            if several:
                target = some_objects(target, self.cell.prompts_per_image)
                jitter = (0.0, OBJECT_JITTER)
            jitter = jitter if training else (0.0, 0.0)
            prompts = [_prompt_of(self.cell.prompt, each, *jitter) for each in target]
        side = self.cell.image_size // LOSSES[self.cell.loss].reduction
        small = _squash(target, side)
        batch = Batch(
            images=torch.Tensor.contiguous(pixels.as_subclass(Tensor))[None],
            boxes=side_by_side([boxes for boxes, _ in prompts]),
            masks=small.as_subclass(Tensor)[:, None].float(),
            points=side_by_side([points for _, points in prompts]),
        )
        return batch, mask


def some_objects(layers: Tensor, count: int) -> Tensor:
    """Masks (P, S, S) of ``count`` objects drawn from layers of ids (L, S, S), as in ``Example``.

    No object is drawn twice before each was drawn once. Without any, masks are empty.
    """
    ids = layers.unique()
    ids = ids[ids > 0]
    if not len(ids):
        return tv_tensors.Mask(torch.zeros((count, *layers.shape[1:]), dtype=torch.uint8))
    rounds = [ids[torch.randperm(len(ids))] for _ in range(-(-count // len(ids)))]
    drawn = torch.cat(rounds)[:count]
    masks = [(layers == each).any(0) for each in drawn]
    return tv_tensors.Mask(torch.stack(masks).to(torch.uint8))


def side_by_side(prompts: Sequence[Tensor | None]) -> Tensor | None:
    """Prompts (1, 1, ...) of each mask of an image as (1, P, ...); None if there are none."""
    given = [prompt for prompt in prompts if prompt is not None]
    return torch.cat(given, dim=1) if given else None


def squash_image(image: np.ndarray, side: int) -> tv_tensors.Image:
    """An image (H, W, 3) as (3, S, S), both uint8."""
    pixels = tv_tensors.Image(torch.from_numpy(image).permute(2, 0, 1))
    return v2.functional.resize(pixels, [side, side], antialias=True)


def _squash(mask: tv_tensors.Mask, side: int) -> tv_tensors.Mask:
    """Masks (N, H, W) as (N, S, S), of their nearest pixels."""
    return v2.functional.resize(mask, [side, side], v2.InterpolationMode.NEAREST_EXACT)


def _prompt_of(
    prompt: Prompt, mask: Tensor, of_image: float, of_box: float
) -> tuple[Tensor | None, Tensor | None]:
    """Boxes (1, 1, 4) and points (1, 1, n, 3) of a mask (S, S); None for what the prompt has not.

    A mask's box is moved outwards by up to a share ``of_image``'s side, and one ``of_box``'s own
    sides. A mask without an object has the box of the whole image, and no points.
    """
    side = mask.shape[-1]
    inside = ((mask > 0) & (mask != IGNORED)).nonzero()
    if prompt == "none":
        return None, None
    if prompt == "points":
        return None, _points(inside)
    if prompt == "box" or not len(inside):
        return whole_image(side), None
    tight = torch.cat([inside.amin(0).flip(0), inside.amax(0).flip(0) + 1]).float()
    if of_image or of_box:
        reach = of_image * side + of_box * (tight[2:] - tight[:2]).repeat(2)
        outwards = torch.tensor([-1.0, -1.0, 1.0, 1.0])
        tight = (tight + outwards * torch.rand(4) * reach).clamp(0, side)
    return tight[None, None], None


def whole_image(side: int) -> Tensor:
    """The box (1, 1, 4) of a whole image."""
    return torch.tensor([[[0.0, 0.0, side, side]]])


def _points(inside: Tensor) -> Tensor:
    """Points (1, 1, n, 3) drawn from the pixels (m, 2) of an object, given as rows and columns.

    SAM's prompt encoder moves points to the centres of their pixels.
    """
    points = torch.tensor([0.0, 0.0, -1.0]).repeat(1, POINTS, 1)
    chosen = inside[torch.randperm(len(inside))[:POINTS]].flip(1).float()
    points[0, : len(chosen), :2] = chosen
    points[0, : len(chosen), 2] = 1
    return points[None]


def order(count: int, batch_size: int, seed: int, epochs: int) -> list[list[Which]]:
    """The examples of each training step.

    Each epoch has its own order, and leaves out what does not fill a batch.
    """
    steps = []
    for epoch in range(epochs):
        generator = torch.Generator().manual_seed(seed_of(seed, "order", epoch))
        shuffled = torch.randperm(count, generator=generator).tolist()
        for first in range(0, count - batch_size + 1, batch_size):
            steps.append([(epoch, index) for index in shuffled[first : first + batch_size]])
    return steps


def load(samples: Samples, batches: Sequence[list[Which]], workers: int = 0) -> Iterator[Batch]:
    """The batches in order, read by ``workers`` processes ahead of time; 0 for this one."""
    return iter(
        DataLoader(
            samples,
            batch_sampler=batches,
            num_workers=workers,
            collate_fn=_join,
            worker_init_fn=_leave_interrupts,
        )
    )


def _join(rows: Sequence[tuple[Batch, Mask]]) -> Batch:
    return Batch.join([batch for batch, _ in rows])


def _leave_interrupts(worker: int) -> None:
    """Ctrl-C is for the process that trains."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

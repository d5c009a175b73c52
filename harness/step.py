"""The one training step: prediction, measurement and timing all run this."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.optim import AdamW, Optimizer

from adapters.core.adapted import AdaptedSam, attach
from harness.accuracy.losses import LOSSES, Loss, resize
from harness.cell import Cell
from harness.levers import pull_levers
from harness.record import Method
from harness.sam.build import build_sam

LEARNING_RATE = 2e-4  # of CAD and SAM-Adapter; has no effect on memory or time

EnterPhase = Callable[[str], None]


@dataclass(frozen=True)
class Batch:
    """One batch, on the device.

    Attributes:
        images: (B, 3, S, S) raw RGB, uint8.
        boxes: (B, P, 4) prompts in pixels, float32, or None.
        masks: (B·P, 1, M, M) targets, 0 or 1, float32; M as the loss wants it.
    """

    images: Tensor
    boxes: Tensor | None
    masks: Tensor

    def to(self, device: torch.device) -> "Batch":
        """The same batch on ``device``."""
        boxes = None if self.boxes is None else self.boxes.to(device)
        return Batch(self.images.to(device), boxes, self.masks.to(device))

    def tensors(self) -> list[Tensor]:
        """The tensors that there are."""
        return [t for t in (self.images, self.boxes, self.masks) if t is not None]


class Step:
    """What a Cell runs, ready to run: a model, a batch and, to train, a loss and an optimizer."""

    def __init__(self, cell: Cell, model: AdaptedSam, batch: Batch) -> None:
        self.cell, self.model, self.batch = cell, model, batch
        self.loss: Loss = LOSSES[cell.loss]
        # foreach is torch's default on CUDA and costs memory; on the CPU it has to be asked for.
        self.optimizer: Optimizer = AdamW(
            model.trainable().values(), lr=LEARNING_RATE, foreach=True
        )
        model.train(cell.phase == "train")

    def run(self, enter: EnterPhase = lambda _: None) -> Tensor:
        """Run once; ``enter`` is told each phase as it begins.

        Returns:
            The loss, a scalar, when training; mask logits (B·P, 1, S, S) when inferring.
        """
        return self._train(enter) if self.cell.phase == "train" else self._infer(enter)

    def _train(self, enter: EnterPhase) -> Tensor:
        enter("forward")
        self.optimizer.zero_grad(set_to_none=True)
        logits = self.model(self.batch.images, self.batch.boxes)
        loss = self.loss(logits, self.batch.masks, self.cell.image_size)
        auxiliary = self.model.adapter.auxiliary_loss()
        if auxiliary is not None:
            loss = loss + auxiliary
        del logits
        enter("backward")
        loss.backward()
        enter("optimizer")
        self.optimizer.step()
        return loss.detach()

    def _infer(self, enter: EnterPhase) -> Tensor:
        enter("infer")
        with torch.no_grad():
            logits = self.model(self.batch.images, self.batch.boxes)
            return resize(logits, self.cell.image_size)


def build_step(cell: Cell, device: torch.device) -> Step:
    """Build what ``cell`` describes: SAM on the CPU, the adapter, then all of it on ``device``.

    Raises:
        UserError: for an unknown adapter, setting or backbone, a lever that the adapter cannot use,
            or an unusable checkpoint.
    """
    torch.manual_seed(cell.seed)
    checkpoint = Path(cell.checkpoint) if cell.checkpoint else None
    sam = build_sam(cell.backbone, cell.image_size, checkpoint)
    model = attach(sam, cell.adapter, **cell.settings)
    pull_levers(model, cell)
    return Step(cell, model.to(device), random_batch(cell).to(device))


def random_batch(cell: Cell) -> Batch:
    """Random images and masks of the Cell's sizes; the box prompts span the whole image."""
    side, count = cell.image_size, cell.batch_size
    prompts = cell.prompts_per_image
    images = torch.randint(0, 256, (count, 3, side, side), dtype=torch.uint8)
    boxes = torch.tensor([0.0, 0.0, side, side]).repeat(count, prompts, 1)
    mask_side = side // LOSSES[cell.loss].reduction
    masks = torch.randint(0, 2, (count * prompts, 1, mask_side, mask_side)).float()
    return Batch(images, boxes if cell.prompt == "box" else None, masks)


def describe_method(step: Step) -> Method:
    """The step's adapter in words."""
    adapter = step.model.adapter
    return Method(title=adapter.title, source=adapter.source, serial=adapter.encoder_gradients)


def describe_step(cell: Cell) -> str:
    """In words, what a step of this Cell contains."""
    if cell.phase == "infer":
        return "one forward pass without gradients: preprocessing, image encoder, mask decoder"
    return (
        "one training step in steady state: preprocessing, forward, "
        f"{cell.loss} loss, backward, {cell.optimizer}"
    )

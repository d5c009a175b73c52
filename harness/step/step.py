"""The one training step: prediction, measurement and timing all run this."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.optim import Optimizer

from samfit.adapters.core.adapted import AdaptedSam, attach
from samfit.adapters.core.base import Adapter
from samfit.adapters.sam.build import build_sam
from samfit.adapters.sam.find import view
from samfit.adapters.sam.precision import to_float32
from samfit.errors import UserError
from samfit.harness.record.cell import Cell
from samfit.harness.record.record import Method, Parameters
from samfit.harness.record.weights import RANDOM_ENCODER, checkpoint_file
from samfit.harness.step.batch import Batch, random_batch
from samfit.harness.step.levers import run_with_levers
from samfit.harness.step.losses import LOSSES, Loss, resize
from samfit.harness.step.optimizers import build_optimizer
from samfit.harness.step.precision import computing_in, gradient_scaler
from samfit.harness.trace.gpu import Gpu
from samfit.harness.trace.observe import EnterPhase, observe
from samfit.harness.trace.trace import Trace

WITHOUT_DATA = torch.device("meta")  # tensors there have shapes and lifetimes, and no memory
LEARNING_RATE = 2e-4  # of CAD and SAM-Adapter; has no effect on memory or time


class Step:
    """What a Cell runs, ready to run: a model, a batch and, to train, a loss and an optimizer.

    Attributes:
        batch: what the next run takes; training on data sets it anew before each step.
        scaler: of the loss, for fp16; its state is part of a training's.
    """

    def __init__(self, cell: Cell, model: AdaptedSam, batch: Batch) -> None:
        self.cell, self.model, self.batch = cell, model, batch
        self.loss: Loss = _loss(cell)
        self.scaler = gradient_scaler(cell, self.device)
        torch.backends.cudnn.benchmark = cell.cudnn_benchmark
        model.train(cell.phase == "train")

    @cached_property
    def optimizer(self) -> Optimizer:
        """Built when it is first asked for: to evaluate and to segment, nothing is optimised."""
        return build_optimizer(self.cell.optimizer, self.model.trainable().values(), LEARNING_RATE)

    def trace(self, gpu: Gpu | None = None) -> Trace:
        """Every storage of two runs, see ``trace/observe.py``; with what ``gpu`` adds to them."""
        optimizer = self.optimizer if self.cell.phase == "train" else None
        return observe(self.run, self.model, self.batch.tensors(), optimizer, gpu)

    def run(self, enter: EnterPhase = lambda _: None) -> Tensor:
        """Run once; ``enter`` is told each phase as it begins.

        Returns:
            The loss, a scalar, when training; mask logits (B·P, 1, S, S) when inferring.
        """
        return self._train(enter) if self.cell.phase == "train" else self._infer(enter)

    def _train(self, enter: EnterPhase) -> Tensor:
        self.optimizer.zero_grad(set_to_none=True)
        parts = self.batch.cut(self.cell.gradient_accumulation)
        losses = [self._backpropagate(part, len(parts), enter) for part in parts]
        enter("optimizer")
        self.scaler.unscale_(self.optimizer)  # before any hook of the optimizer sees gradients
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return torch.stack(losses).sum()

    def _backpropagate(self, part: Batch, parts: int, enter: EnterPhase) -> Tensor:
        """Add the gradients of one of ``parts`` parts of the batch; its share of the loss."""
        assert part.masks is not None, "training needs masks"
        enter("forward")
        loss = self.loss(self._logits(part), part.masks, self.cell.image_size)
        auxiliary = self.model.adapter.auxiliary_loss()
        if auxiliary is not None:
            loss = loss + auxiliary
        if parts > 1:
            loss = loss / parts
        enter("backward")
        self.scaler.scale(loss).backward()
        return loss.detach()

    def _logits(self, batch: Batch) -> Tensor:
        """Low-resolution logits, in float32: losses are taken outside of autocast."""
        with computing_in(self.cell.precision, self.device):
            logits = self.model(batch.images, batch.boxes, batch.embedding, batch.points)
        return to_float32(logits)

    @property
    def device(self) -> torch.device:
        """Where the step runs."""
        return self.batch.images.device

    def _infer(self, enter: EnterPhase) -> Tensor:
        enter("infer")
        with torch.no_grad():
            return resize(self._logits(self.batch), self.cell.image_size)


def build_step(cell: Cell, device: torch.device) -> Step:
    """Build what ``cell`` describes, with a random batch, on ``device``.

    Raises:
        UserError: as for ``build_model``.
    """
    model = build_model(cell, device)
    return Step(cell, model, random_batch(cell).to(device))


def build_model(cell: Cell, device: torch.device) -> AdaptedSam:
    """Build what ``cell`` trains: SAM on the CPU, the adapter, then all of it on ``device``.

    Raises:
        UserError: for an unknown adapter, setting or backbone, a lever that the adapter cannot use,
            or an unusable checkpoint.
    """
    torch.manual_seed(cell.seed)
    checkpoint = checkpoint_file(cell.checkpoint) if cell.checkpoint else None
    sam = build_sam(cell.backbone, cell.image_size, checkpoint)
    if cell.checkpoint == RANDOM_ENCODER:
        view(sam).image_encoder = view(build_sam(cell.backbone, cell.image_size)).image_encoder
    model = attach(sam, cell.adapter, **cell.settings)
    if checkpoint:
        model.remember_base()
    run_with_levers(model, cell)
    return model.to(device)


def _loss(cell: Cell) -> Loss:
    """The loss of ``cell``, if it fits the number of classes."""
    loss, classes = LOSSES[cell.loss], cell.classes
    if cell.phase == "train" and loss.multi_class != (classes > 1):
        fitting = [name for name, other in LOSSES.items() if other.multi_class == (classes > 1)]
        masks = f"{classes} classes" if classes > 1 else "one class"
        raise UserError(f"--loss {cell.loss} is not for {masks}: choose {' or '.join(fitting)}.")
    return loss


@dataclass(frozen=True)
class Description:
    """What is said of a model without running it.

    Attributes:
        assumption: what its adapter assumes, in words, where memory would depend on data.
    """

    method: Method
    params: Parameters
    assumption: str | None


def describe_model(model: AdaptedSam, cell: Cell) -> Description:
    """The method in words, its sizes, and what it assumes from now on, see ``Adapter.assume``."""
    scaled = cell.precision == "fp16" and cell.phase == "train"
    assumed = [model.adapter.assume(), "no gradient overflows float16" if scaled else None]
    return Description(
        describe_method(model.adapter),
        Parameters(**model.parameter_counts()),
        "; ".join(filter(None, assumed)) or None,
    )


def describe_method(adapter: Adapter) -> Method:
    """An adapter in words."""
    return Method(title=adapter.title, source=adapter.source, serial=adapter.encoder_gradients)


def describe_step(cell: Cell) -> str:
    """In words, what a step of this Cell contains."""
    if cell.phase == "infer":
        return "one forward pass without gradients: preprocessing, image encoder, mask decoder"
    return (
        "one training step in steady state: preprocessing, forward, "
        f"{cell.loss} loss, backward, {cell.optimizer}"
    )

"""A training: what happened in it, and the model that came of it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from samfit.adapters.core.adapted import AdaptedSam
from samfit.errors import UserError
from samfit.harness.data.files.intensity import Intensity
from samfit.harness.data.pair import read_image
from samfit.harness.metrics import METRICS, main_metric
from samfit.harness.record.history import History
from samfit.harness.step.step import build_model
from samfit.harness.train.baselines import collapse, describe_baselines, require_better, shortfall
from samfit.harness.train.inference import labels, predict_masks
from samfit.harness.train.prompts import NOTHING, Asked, Numbers
from samfit.harness.train.resources import enough_memory, torch_device
from samfit.harness.train.run_folder import RunFolder
from samfit.harness.train.samples import Mask
from samfit.harness.train.tiles import Tiling
from samfit.harness.train.training import load_trained

# What to do about masks that are no better than those that need no model.
ADVICE = "more --epochs, --find-rate or another --loss may help"


class Run:
    """A training, to evaluate it or to get masks from it; ``print`` says how it went.

    One that is not finished has the best weights so far, or, without validation, those of its last
    saved state.

    Args:
        folder: as given to ``train``.
        checkpoint: SAM's weights, if they are elsewhere than in training.
        device: ``cuda`` or ``cpu``. Default: the GPU if there is one.
        any_base: use the run on other weights of SAM than it was trained on.

    Raises:
        UserError: if there is no run, or one of which nothing is saved yet, or no such device.

    Attributes:
        folder: where it is; ``adapter.safetensors`` in it holds the trained weights.
        description: the Cell, the recipe and the images of the training.
        cell: the Cell of an inference step with what was trained.
        device: where the model runs.
    """

    def __init__(
        self,
        folder: Path | str,
        checkpoint: Path | str | None = None,
        device: str | None = None,
        any_base: bool = False,
    ) -> None:
        self._files = RunFolder(Path(folder))
        self.folder, self.description = self._files.path, self._files.description()
        if not (self._files.is_finished or self._files.is_begun):
            raise UserError(
                f"{folder} is not finished, and no state of it is saved yet: run the same samfit "
                "train command to finish it."
            )
        self.device, self._any_base = torch_device(device), any_base
        trained = self.description.cell
        self.cell = replace(
            trained,
            phase="infer",
            cache_embeddings=False,
            checkpointing=False,
            gradient_accumulation=1,
            batch_size=1,
            checkpoint=str(checkpoint) if checkpoint else trained.checkpoint,
        )

    @cached_property
    def model(self) -> AdaptedSam:
        """SAM with the trained adapter, in eval mode, built when it is first asked for."""
        return self.build()

    def build(self, **changes: Any) -> AdaptedSam:
        """SAM with the trained adapter anew, in eval mode, with ``changes`` to the Cell."""
        model = build_model(replace(self.cell, **changes), self.device)
        if self._files.is_finished:
            model.load(self._files.weights, self._any_base)
        else:
            state = self._files.load_state()
            if not self._any_base:
                model.check_base(self.folder, state.get("base", {}))
            load_trained(model, state["best"] or state["model"])
        return model.eval()

    @cached_property
    def history(self) -> History:
        """Losses of all steps and scores of all validations."""
        return History(**self._files.load_state()["history"])

    @property
    def total(self) -> int:
        """Steps that were planned; states of older runs do not say it."""
        if self.history.planned:
            return self.history.planned
        images, recipe = self.description.data.train_images, self.description.recipe
        return images // self.description.cell.batch_size * recipe.epochs

    @property
    def remark(self) -> str:
        """Which weights a run that is not finished has, in words; empty for a finished one."""
        if self._files.is_finished:
            return ""
        best, done = self.history.best_step, len(self.history.losses)
        which = f"best weights so far, of step {best}" if best else f"weights of step {done}"
        return (
            f"{self.folder} is not finished ({done} of {self.total} steps): these are its {which}"
        )

    @property
    def tiling(self) -> Tiling | None:
        """Of images, if the model was trained on tiles."""
        return Tiling.of(self.description.recipe, self.cell)

    @property
    def metric(self) -> str:
        """The score that validation goes by."""
        return main_metric(self.cell.classes)

    @property
    def scores(self) -> dict[str, float]:
        """The scores of the best validation, by metric; empty if there was no validation."""
        best = [v for v in self.history.validations if v["step"] == self.history.best_step]
        return {name: score for each in best for name, score in each.items() if name != "step"}

    @property
    def problem(self) -> str:
        """What is wrong with the best validation, in words; empty if it beats every baseline."""
        history = self.history
        if not self.scores:
            return ""
        collapsed = collapse(history.collapsed.get(history.best_step), self.cell.classes)
        return shortfall(self.scores[self.metric], history.baselines, collapsed)

    def require_better_than_baseline(self) -> None:
        """Raises:
        UserError: if the best validation does not beat every baseline, or there was none.
        """
        require_better(self.scores.get(self.metric), self.history.baselines)

    def mask(
        self,
        image: NDArray[np.uint8] | Path | str,
        box: Numbers | None = None,
        points: Sequence[Numbers] = (),
    ) -> Mask:
        """The class (H, W) of each pixel of an image; 0 and 1 if there is one class.

        Args:
            image: a file, or RGB pixels (H, W, 3), uint8.
            box: (x0, y0, x1, y1) in pixels of the image, if it was trained with boxes of objects.
            points: (x, y) within the object, if it was trained with points.

        Raises:
            UserError: for an image that cannot be used, a prompt with which the model was not
                trained, or if memory runs out.
        """
        asked = Asked(boxes=() if box is None else [box], points=[points] if len(points) else ())
        (logits,) = self.logits(image, asked)
        return labels(logits)

    def logits(
        self, image: NDArray[np.uint8] | Path | str, asked: Asked = NOTHING
    ) -> Iterator[Tensor]:
        """Logits (K, H, W) of each object that is asked for in an image; K is 1 for one class.

        Args:
            image: a file, or RGB pixels (H, W, 3), uint8.
            asked: boxes or points, if it was trained with such.

        Raises:
            UserError: as ``mask``.
        """
        pixels = self.pixels(image)
        with enough_memory(self.cell):
            yield from predict_masks(self.cell, self.model, pixels, asked, self.tiling)

    def pixels(self, image: NDArray[np.uint8] | Path | str) -> NDArray[np.uint8]:
        """An image as the model sees it: RGB (H, W, 3) in 0..255, upright.

        Raises:
            UserError: for an image that cannot be used.
        """
        if isinstance(image, str | Path):
            return read_image(Path(image), self.description.data.intensity or Intensity())
        pixels = np.array(image)  # a copy: torch takes neither read-only nor reversed arrays
        if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8:
            raise UserError(f"an image is (H, W, 3) of uint8, not {pixels.shape} {pixels.dtype}.")
        return pixels

    def __str__(self) -> str:
        recipe, history = self.description.recipe, self.history
        finished = self._files.is_finished
        steps = len(history.losses)
        if not steps:
            return f"nothing was trained (--epochs 0); the weights are in {self.folder}"
        lines = [f"{steps} steps, {history.train_ms / steps:.0f} ms each"]
        if not finished:
            lines.append(f"not finished: {self.total} steps were planned")
        elif steps < self.total:
            lines.append(f"stopped early: no improvement for {recipe.patience} epochs")
        if self.scores:
            score = f"{METRICS[self.metric].title} {self.scores[self.metric]:.4f}"
            lines.append(f"best validation: {score} after step {history.best_step}")
        if history.baselines:
            lines.append(f"to compare: {describe_baselines(history.baselines)}")
        if self.problem:
            lines.append(f"warning: {self.problem}; {ADVICE}")
        what = "weights, losses and scores are" if finished else "the saved state is"
        return "\n".join([*lines, f"{what} in {self.folder}"])

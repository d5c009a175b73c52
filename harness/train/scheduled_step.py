"""The training step of a Cell, one batch after another, as a recipe says."""

import hashlib

import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from samfit.errors import UserError
from samfit.harness.record.recipe import Recipe
from samfit.harness.step.batch import Batch
from samfit.harness.step.step import Step


class DivergedError(UserError):
    """Masks or loss are no numbers any more."""


class ScheduledStep:
    """A training step with the learning rate, weight decay and clipping of a recipe.

    Nothing random outlives a step: each begins with a seed of its own. A run that resumes from
    saved weights and optimizer state continues as if it had never stopped.

    Attributes:
        step: the training step; every lever and loss is its own.
        done: how often it was run.
        total: how often it is to be run.
    """

    def __init__(self, step: Step, recipe: Recipe, total: int) -> None:
        self.step, self.recipe, self.total, self.done = step, recipe, total, 0
        for group in step.optimizer.param_groups:
            group["weight_decay"] = recipe.weight_decay
        if recipe.clip_norm:
            step.optimizer.register_step_pre_hook(self._clip)
        # Before the loss sees them: CAD's raises on what is not a probability.
        step.model.register_forward_hook(lambda model, inputs, logits: self._check(logits))

    def run(self, batch: Batch) -> float:
        """Train on one batch; the loss before the update.

        Raises:
            DivergedError: if masks or loss are not finite.
        """
        torch.manual_seed(seed_of(self.step.cell.seed, "step", self.done))
        for group in self.step.optimizer.param_groups:
            group["lr"] = self.recipe.learning_rate_at(self.done, self.total)
        self.step.batch = batch
        loss = self.step.run()
        self._check(loss)
        self.done += 1
        return float(loss)

    def _check(self, numbers: Tensor) -> None:
        if not numbers.isfinite().all():
            raise DivergedError(
                f"training diverged by step {self.done + 1}: masks or loss are not finite; "
                "use a lower --learning-rate, or --clip-norm 1."
            )

    def _clip(self, optimizer: torch.optim.Optimizer, *_: object) -> None:
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        clip_grad_norm_(parameters, self.recipe.clip_norm)


def seed_of(*parts: object) -> int:
    """A seed that depends on all ``parts`` and on nothing else."""
    digest = hashlib.sha256(repr(parts).encode()).digest()
    return int.from_bytes(digest[:7], "big")

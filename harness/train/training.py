"""The loop of a training: batches, validation, early stopping, and a state to resume from."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from samfit.adapters.core.adapted import BASE, AdaptedSam
from samfit.errors import UserError
from samfit.harness.data.dataset import DataSet
from samfit.harness.data.example import Example
from samfit.harness.metrics import METRICS, main_metric
from samfit.harness.record.cell import Cell
from samfit.harness.record.history import History
from samfit.harness.record.recipe import Recipe
from samfit.harness.step.step import build_model, build_step
from samfit.harness.train.embeddings import EmbeddingCache
from samfit.harness.train.inference import score_masks
from samfit.harness.train.samples import Samples, load, order
from samfit.harness.train.scheduled_step import ScheduledStep
from samfit.harness.train.tiles import Tiling
from samfit.progress import SILENT, Progress

RECENT = 20  # steps whose losses are averaged for the eye

State = dict[str, Any]  # tensors, numbers and texts: what torch.load reads with weights_only


class Training:
    """A model in training; it can be stopped after any step, and resumed from its state.

    Where there are validation images, the weights of the best validation win; else the last.
    ``str`` says how it is going.

    Attributes:
        model: as trained so far; after ``use_best_weights`` with these.
        history: what has happened.
        total: steps to take, if nothing ends it early.
        tiling: of images, if they are cut.
        cache: of embeddings, see ``filled_cache``; to be given if the Cell's are to be cached.
    """

    def __init__(
        self,
        cell: Cell,
        recipe: Recipe,
        data: DataSet,
        workers: int = 0,
        pretrained: Path | str | None = None,
    ) -> None:
        self.cell, self.recipe, self.data, self.workers = cell, recipe, data, workers
        self.cache: EmbeddingCache | None = None
        self.tiling = Tiling.of(recipe, cell)
        self.per_epoch = len(data.train) // cell.batch_size
        if not self.per_epoch:
            raise UserError(
                f"{data.name} has too few images to train on ({len(data.train)}) for --batch-size "
                f"{cell.batch_size}: use a smaller one."
            )
        if cell.cache_embeddings and recipe.augment != "none":
            raise UserError(
                "--cache-embeddings needs the same images in each epoch: drop --augment."
            )
        self.total = self.per_epoch * recipe.epochs
        self.history = History(planned=self.total)
        step = build_step(cell, torch.device(cell.device))
        self.model, self.optimizer, self.scaler = step.model, step.optimizer, step.scaler
        if pretrained is not None:
            self.model.adapter.load_pretrained(Path(pretrained))
        self._step = ScheduledStep(step, recipe, self.total)
        self._best: dict[str, Tensor] = {}

    @property
    def metric(self) -> str:
        """The score that validation goes by."""
        return main_metric(self.cell.classes)

    @property
    def done(self) -> int:
        """Steps that were taken."""
        return len(self.history.losses)

    @property
    def is_over(self) -> bool:
        """Whether every step was taken, or validation has not improved for too long."""
        waited = (self.done - self.history.best_step) // self.per_epoch
        out_of_patience = bool(self.history.validations) and waited >= self.recipe.patience > 0
        return self.done >= self.total or out_of_patience

    def run(self) -> Iterator[History]:
        """Train on; the history after each step, and after the validation that follows it."""
        cell, examples, recipe = self.cell, self.data.train, self.recipe
        steps = order(len(examples), cell.batch_size, cell.seed, recipe.epochs)
        samples = Samples(examples, cell, recipe.augment)
        loader = load(samples, steps[self.done :], self.workers)
        self._step.done = self.done
        while not self.is_over:
            started = time.perf_counter()
            batch = next(loader).to(self.model.backbone.device)
            if self.cache is not None:
                batch = replace(batch, embedding=self.cache.get(batch.images))
            self.model.train()
            self.history.losses.append(self._step.run(batch))
            self.history.train_ms += 1000 * (time.perf_counter() - started)
            if self.data.val and self.done % self.per_epoch == 0:
                self._validate()  # before anyone can stop here, or it would be left out
            yield self.history

    def plan(self, recipe: Recipe, total: int) -> None:
        """From here on follow ``recipe``, up to step ``total``."""
        self.recipe, self.total, self.history.planned = recipe, total, total
        self._step.recipe, self._step.total = recipe, total

    def use_best_weights(self) -> None:
        """Give the model the weights that won."""
        if self._best:
            self._load(self._best)
        self.model.eval()

    def state(self) -> State:
        """All that is needed to resume from here."""
        return {
            "history": asdict(self.history),
            "base": self.model.base(),
            "model": self.model.trained_state(),
            "best": self._best,
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
        }

    def load_state(self, state: State) -> None:
        """Resume where ``state`` was taken, with the same Cell, recipe and data.

        The recipe may have another number of epochs: the schedule of the learning rate then spans
        these from here on, as if it always had.

        Raises:
            UserError: if it is of another model, or of other frozen weights.
        """
        theirs, ours = (base.get(BASE) for base in (state.get("base", {}), self.model.base()))
        if theirs and ours and theirs != ours:
            raise UserError(
                f"{self.cell.checkpoint} no longer holds the weights with which this training "
                "began: put them back, or start another with another --output."
            )
        self.history = History(**{**state["history"], "planned": self.total})
        self._best = state["best"]
        self._load(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state.get("scaler", {}))  # absent from older states

    def _load(self, weights: dict[str, Tensor]) -> None:
        load_trained(self.model, weights)

    def __str__(self) -> str:
        recent = self.history.losses[-RECENT:]
        if not recent:
            return "training"
        epoch = min(self.done // self.per_epoch + 1, self.recipe.epochs)
        words = [f"epoch {epoch} of {self.recipe.epochs}", f"loss {sum(recent) / len(recent):.4f}"]
        if self.history.validations:
            score = self.history.validations[-1][self.metric]
            words.append(f"{METRICS[self.metric].title} {score:.4f}")
        return ", ".join(words)

    def _validate(self) -> None:
        metrics, _ = score_masks(
            self.cell,
            self.model,
            self.data.val,
            self.workers,
            self.cache,
            tiling=self.tiling,
            kind=self.data.kind,
        )
        scores = {name: score.value for name, score in metrics.summary().items()}
        if metrics.only_class is not None:
            self.history.collapsed[self.done] = metrics.only_class
        best = max((v[self.metric] for v in self.history.validations), default=-1.0)
        self.history.validations.append({"step": self.done, **scores})
        if scores[self.metric] > best:
            self.history.best_step = self.done
            self._best = {
                n: t.detach().cpu().clone() for n, t in self.model.trained_state().items()
            }


def load_trained(model: AdaptedSam, weights: dict[str, Tensor]) -> None:
    """Give a model trained weights of a saved state.

    Raises:
        UserError: if they are of another model.
    """
    wrong = sorted(weights.keys() ^ model.trained_state().keys())
    if wrong:
        raise UserError(
            f"the saved state is of another model ({wrong[0]} differs): remove state.pt to "
            "start the training again."
        )
    model.load_state_dict(weights, strict=False)  # what they lack is frozen


def filled_cache(
    cell: Cell, examples: Sequence[Example], folder: Path, progress: Progress = SILENT
) -> EmbeddingCache:
    """The cache in ``folder`` with what the encoder of ``cell`` says of all ``examples``.

    The encoder is on the Cell's device only meanwhile, so that it need not be there with the model.

    Raises:
        UserError: if the checkpoint cannot be used, or ``folder`` not be written.
    """
    plain = replace(cell, adapter="decoder", settings={}, cache_embeddings=False)
    sam = build_model(plain, torch.device(cell.device)).backbone
    cache = EmbeddingCache(folder, sam, cell.precision)
    samples = Samples(examples, cell)
    count = len(examples)
    for index in progress.track(range(count), count, "caching embeddings"):
        cache.get(samples[0, index][0].images)
    sam.model.to("cpu")
    return cache

"""A training in words, while it runs and when it is over."""

from pathlib import Path
from typing import TYPE_CHECKING

from samfit.harness.metrics import METRICS

if TYPE_CHECKING:  # it imports torch
    from samfit.harness.train.training import Training

RECENT = 20  # steps whose losses are averaged for the eye


def describe_progress(training: "Training") -> str:
    """The epoch, the recent loss, and the last validation."""
    history = training.history
    recent = history.losses[-RECENT:]
    epoch = min(training.done // training.per_epoch + 1, training.recipe.epochs)
    words = [f"epoch {epoch} of {training.recipe.epochs}", f"loss {sum(recent) / len(recent):.4f}"]
    if history.validations:
        score = history.validations[-1][training.metric]
        words.append(f"{METRICS[training.metric].title} {score:.4f}")
    return ", ".join(words)


def training_summary(training: "Training", folder: Path) -> str:
    """How it ended, and where everything is."""
    history, recipe = training.history, training.recipe
    if not training.done:
        return f"nothing was trained (--epochs {recipe.epochs}); the weights are in {folder}"
    lines = [f"{training.done} steps, {history.train_ms / training.done:.0f} ms each"]
    if training.done < training.total:
        lines.append(f"ended early: no better validation for {recipe.patience} epochs")
    if history.validations:
        best = max(scores[training.metric] for scores in history.validations)
        title = METRICS[training.metric].title
        lines.append(f"best validation: {title} {best:.4f} after step {history.best_step}")
    return "\n".join([*lines, f"weights, losses and curves are in {folder}"])

"""Train a Cell on its miniature task, and score its masks."""

import base64
import math
import time
from dataclasses import replace
from datetime import datetime, timezone

from samfit.errors import UserError
from samfit.harness.miniature.dataset import miniature
from samfit.harness.record.cell import Cell
from samfit.harness.record.environment import environment
from samfit.harness.record.record import Accuracy, Parameters, Record, measured_source
from samfit.harness.step.step import describe_method
from samfit.harness.train.inference import score_masks
from samfit.harness.train.segment import mask_file
from samfit.harness.train.training import Training

SHOWN = 3  # test images whose masks are kept for the gallery
DIGITS = 6  # of scores and losses in a record


def score(cell: Cell) -> Record:
    """The accuracy of what ``cell`` trains, on test images of its task.

    The weights of the last step are scored: nothing is chosen by looking at other images.

    Raises:
        UserError: if the Cell has no task and recipe, or cannot be trained.
    """
    if not cell.task or cell.recipe is None:
        raise UserError("accuracy needs a task and a recipe: give the Cell both.")
    started = datetime.now(timezone.utc).isoformat(timespec="seconds")
    begun = time.perf_counter()
    data = replace(miniature(cell.task), val=())
    training = Training(cell, cell.recipe, data)
    for _ in training.run():
        pass
    training.use_best_weights()
    model = training.model
    metrics, masks = score_masks(cell, model, data.test, keep=SHOWN)
    return Record(
        cell=cell,
        status="ok",
        source=measured_source(cell),
        traced=f"{training.done} training steps, then {len(data.test)} test images",
        method=describe_method(model.adapter),
        params=Parameters(**model.parameter_counts()),
        accuracy=Accuracy(
            scores={
                key: [round(value, DIGITS) for value in (score.value, score.low, score.high)]
                for key, score in metrics.summary().items()
            },
            per_image={key: list(map(_short, each)) for key, each in metrics.per_image.items()},
            classes=data.classes,
            train_images=len(data.train),
            test_images=len(data.test),
            losses=[round(loss, DIGITS) for loss in training.history.losses],
            train_ms=training.history.train_ms,
            masks_png=[base64.b64encode(mask_file(mask, data.classes)).decode() for mask in masks],
        ),
        environment=environment(cell),
        started=started,
        duration_ms=1000 * (time.perf_counter() - begun),
    )


def _short(value: float) -> float | None:
    """A score as JSON has it: NaN, of an image that has none, is None."""
    return None if math.isnan(value) else round(value, DIGITS)

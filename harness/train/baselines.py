"""What a model has to beat on a data set, and whether it does."""

import math
from collections.abc import Mapping, Sequence
from itertools import chain

import numpy as np

from samfit.errors import UserError
from samfit.harness.data.dataset import DataSet
from samfit.harness.data.each import each
from samfit.harness.data.example import Example
from samfit.harness.metrics.baselines import BASELINES, Counts, baseline_scores, pixel_counts
from samfit.harness.metrics.binary import overlap
from samfit.harness.train.objects import objects_of
from samfit.progress import SILENT, Progress

WHAT = "scoring baselines"
SMALL = 0.09  # share of an image below which a loss with weights at edges did better
MOST = 100  # images on which a grey threshold is chosen: more change it little


def to_beat(
    data: DataSet, scored: Sequence[Example], progress: Progress = SILENT
) -> dict[str, float]:
    """The baselines of examples of ``data``, whose training examples choose what is to be chosen.

    Raises:
        UserError: for an image or mask that cannot be used.
    """
    if data.kind == "instances":
        return filled_boxes(scored, progress)
    return baselines(scored, data.train, data.classes, progress)


def baselines(
    scored: Sequence[Example],
    chosen_on: Sequence[Example],
    classes: int,
    progress: Progress = SILENT,
) -> dict[str, float]:
    """The main metric of masks that need no model, by name: see ``BASELINES``.

    Each image is read once. Of ``chosen_on``, the training images, at most ``MOST`` are taken,
    evenly; where there is none, threshold and class are chosen on ``scored`` itself.

    Raises:
        UserError: for an image or mask that cannot be used.
    """
    few = chosen_on[:: max(1, math.ceil(len(chosen_on) / MOST))]
    examples = [*few, *scored]

    def count(example: Example) -> Counts:
        return pixel_counts(*example.read(), classes)

    counts = each(count, examples, WHAT, progress)
    return baseline_scores(counts[: len(few)] or counts, counts[len(few) :])


def loss_hint(loss: str, found: Mapping[str, float]) -> str:
    """Which loss may do better where objects are small, in a sentence; empty if none is known to.

    On the miniature's roads and leaves, of which objects cover 8 and 6%, LoRA scored 0.29 and 0.34
    with ``structure`` against 0.26 and 0.23 with ``cad``; on its polyps, which cover 10%, the same.
    """
    share = found.get("all_foreground", 1.0)  # the IoU of an image that is all foreground
    if share >= SMALL or loss == "structure":
        return ""
    return (
        f"objects cover {100 * share:.1f}% of the images: if they are missed, try --loss structure"
    )


def filled_boxes(scored: Sequence[Example], progress: Progress = SILENT) -> dict[str, float]:
    """What ``baselines`` are to objects that are prompted one by one: the mean IoU of their boxes.

    Raises:
        UserError: for an image or mask that cannot be used.
    """
    found = [*chain(*each(_filled, scored, WHAT, progress))]
    return {"filled_box": float(np.mean(found))} if found else {}


def _filled(example: Example) -> list[float]:
    """The IoU of each object with its own box."""
    _, mask = example.read()
    inside = (one.inside for one in objects_of(mask))
    return [overlap(np.ones_like(each), each)[0] for each in inside]


def describe_baselines(found: Mapping[str, float]) -> str:
    """In one sentence: "calling everything background 0.0021, ..."."""
    return ", ".join(f"{BASELINES[name]} {score:.4f}" for name, score in found.items())


def collapse(only_class: int | None, classes: int) -> str:
    """In words, that all masks are of ``only_class`` everywhere; empty if they are not."""
    if only_class is None:
        return ""
    what = f"of class {only_class} everywhere" if classes > 1 else ("empty", "full")[only_class]
    return f"every mask is {what}: the training collapsed"


def shortfall(score: float, found: Mapping[str, float], collapsed: str = "") -> str:
    """What is wrong with a model's ``score``, in words; empty if it beats every baseline.

    Args:
        score: the main metric of the model.
        found: that of each baseline; empty if unknown.
        collapsed: see ``collapse``.
    """
    words = [collapsed] if collapsed else []
    best = max(found, key=lambda name: found[name], default="")
    if best and score <= found[best]:
        worse = "worse than" if score < found[best] else "no better than"
        words.append(f"{worse} {BASELINES[best]} ({found[best]:.4f})")
    return "; ".join(words)


def require_better(score: float | None, found: Mapping[str, float]) -> None:
    """For ``--require better-than-baseline``.

    Raises:
        UserError: if a baseline is as good as the model's ``score``, or there is nothing to compare
            with.
    """
    if score is None or not found:
        raise UserError(
            "--require better-than-baseline: nothing was validated, so there is no score to "
            "compare: leave out --hold-out 0."
        )
    if problem := shortfall(score, found):
        raise UserError(f"--require better-than-baseline: the score {score:.4f} is {problem}.")

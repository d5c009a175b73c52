"""Scores as tables: methods against tasks, methods against metrics, and one model's metrics."""

from collections.abc import Mapping, Sequence
from statistics import mean, stdev
from typing import Any

import pandas as pd

from samfit.harness.metrics import METRICS, InstanceMetrics, Metrics
from samfit.harness.metrics.baselines import BASELINES
from samfit.harness.metrics.table import class_key
from samfit.harness.miniature.tasks import TASKS
from samfit.harness.report.accuracy.captions import (
    describe_chance,
    describe_failures,
    describe_source,
    metric_name,
    task_title,
)
from samfit.harness.report.accuracy.scored import PRETRAINED, RANDOM, ScoredMethod, ScoredMethods
from samfit.harness.report.kit.describe import in_words
from samfit.harness.report.kit.tables import MISSING, CaptionedTable

FURTHER = ("dice", "mae", "s_measure", "e_measure", "weighted_f", "ber")
BASELINES_CAPTION = (
    f"Baselines: {PRETRAINED}, the pretrained model as it is; {RANDOM}, the mask decoder trained "
    "on an encoder with random weights. "
)

Column = tuple[Sequence[str], str | None]  # tasks and metric, as ``ScoredMethod.scores`` takes them


def tasks_table(found: ScoredMethods) -> CaptionedTable:
    """The main score of each method on each task, and its mean over them."""
    columns: dict[str, Column] = {task_title(task): ([task], None) for task in found.tasks}
    over_tasks = ""
    if len(found.tasks) > 1:
        columns["mean"] = (found.tasks, None)
        over_tasks = "The mean is over tasks, seed by seed; a method that lacks a task has none. "
    caption = (
        f"{metric_name(found.tasks)} on test images, higher is better{_spread(found)}. "
        f"{over_tasks}{describe_chance(found)}{BASELINES_CAPTION if found.baselines else ''}"
        f"{describe_failures(found)}{describe_source(found)}"
    )
    return CaptionedTable(_frame(found, columns), "Accuracy by task", caption)


def metrics_table(found: ScoredMethods) -> CaptionedTable | None:
    """Every other metric of binary masks, as mean over the tasks that have them, if there are."""
    tasks = [task for task in found.tasks if TASKS[task].classes == 1]
    if not tasks:
        return None
    columns: dict[str, Column] = {
        f"{METRICS[key].symbol}{'↑' if METRICS[key].larger_is_better else '↓'}": (tasks, key)
        for key in FURTHER
    }
    titles = ", ".join(task_title(task) for task in tasks)
    caption = (
        f"{titles if len(tasks) == 1 else f'Mean over {titles}'}{_spread(found)}; ↑ higher is "
        "better, ↓ lower is better. A method that lacks one of these tasks has no score. "
        "Baselines and source: see the table by task."
    )
    return CaptionedTable(_frame(found, columns), "Accuracy by metric, binary tasks", caption)


def score_text(scores: Sequence[float]) -> str:
    """Mean and, of more than one score, sample standard deviation."""
    if not scores:
        return MISSING
    return f"{mean(scores):.3f}" + (f" ± {stdev(scores):.3f}" if len(scores) > 1 else "")


def score_table(
    metrics: Metrics,
    name: str,
    split: str,
    class_names: tuple[str, ...] = (),
    baselines: Mapping[str, float] | None = None,
) -> CaptionedTable:
    """Every metric of one model on one data set, with its interval, above those of ``baselines``:
    the main metric of masks that need no model.
    """
    scores = metrics.summary()
    titles = {key: metric.title for key, metric in METRICS.items()}
    better = {key: "higher" if m.larger_is_better else "lower" for key, m in METRICS.items()}
    for index, class_name in enumerate(class_names):
        titles[class_key(index)] = f"IoU of {class_name}"
    rows = [
        {
            "metric": titles.get(key, in_words(key)),
            "score": f"{score.value:.4f}",
            "95% interval": f"{score.low:.4f} to {score.high:.4f}",
            "better": better.get(key, "higher"),
        }
        for key, score in scores.items()
    ]
    for key, score in (baselines or {}).items():
        words = {"metric": f"to compare: {BASELINES[key]}", "95% interval": "", "better": ""}
        rows.append({**words, "score": f"{score:.4f}"})
    of_baselines = f" To compare: {METRICS[next(iter(scores))].title}." if baselines else ""
    caption = (
        "Masks are compared at their own size. Intervals: percentiles of 2,000 resamples of the "
        f"images.{of_baselines}"
    )
    title = f"{name}, {split}: {len(metrics.names):,} images"
    return CaptionedTable(pd.DataFrame(rows), title, caption)


def per_image_table(metrics: Metrics) -> pd.DataFrame:
    """One row an image, or an object that was prompted by itself; one column a metric."""
    if isinstance(metrics, InstanceMetrics):
        return pd.DataFrame(metrics.objects)
    return pd.DataFrame({"image": metrics.names, **metrics.per_image})


def scores_to_json(metrics: Metrics) -> dict[str, Any]:
    """Scores with intervals, and those of each image."""
    frame = per_image_table(metrics).astype(object)
    return {
        "images": len(metrics.names),
        "scores": {key: vars(score) for key, score in metrics.summary().items()},
        "per_image": frame.where(frame.notna(), None).to_dict("list"),
    }


def _frame(found: ScoredMethods, columns: Mapping[str, Column]) -> pd.DataFrame:
    """One row a method, then, below a row of their own name, the baselines."""

    def row(one: ScoredMethod) -> dict[str, str]:
        cells = {name: score_text(one.scores(*column)) for name, column in columns.items()}
        return {"method": one.series.label, **cells}

    rows = [row(one) for one in found.methods]
    if found.baselines:
        rows += [{"method": "baselines:", **dict.fromkeys(columns, "")}]
        rows += [row(one) for one in found.baselines]
    return pd.DataFrame(rows)


def _spread(found: ScoredMethods) -> str:
    return "; mean and sample standard deviation over seeds" if len(found.seeds) > 1 else ""

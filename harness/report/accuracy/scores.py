"""The scores of one model on one data set."""

from typing import Any

import pandas as pd

from samfit.harness.metrics import METRICS, BinaryMetrics, MultiClassMetrics
from samfit.harness.metrics.table import class_key
from samfit.harness.report.kit.tables import CaptionedTable

Metrics = BinaryMetrics | MultiClassMetrics


def score_table(
    metrics: Metrics, name: str, split: str, class_names: tuple[str, ...] = ()
) -> CaptionedTable:
    """Every metric with its interval."""
    titles = {key: metric.title for key, metric in METRICS.items()}
    better = {key: "higher" if m.larger_is_better else "lower" for key, m in METRICS.items()}
    for index, class_name in enumerate(class_names):
        titles[class_key(index)] = f"IoU of {class_name}"
    rows = [
        {
            "metric": titles.get(key, key.replace("_", " ")),
            "score": f"{score.value:.4f}",
            "95% interval": f"{score.low:.4f} to {score.high:.4f}",
            "better": better.get(key, "higher"),
        }
        for key, score in metrics.summary().items()
    ]
    caption = (
        "Masks are compared at their own size. Intervals: percentiles of 2,000 resamples of the "
        "images."
    )
    title = f"{name}, {split}: {len(metrics.names):,} images"
    return CaptionedTable(pd.DataFrame(rows), title, caption)


def per_image_table(metrics: Metrics) -> pd.DataFrame:
    """One row an image, one column a metric."""
    return pd.DataFrame({"image": metrics.names, **metrics.per_image})


def scores_to_json(metrics: Metrics) -> dict[str, Any]:
    """Scores with intervals, and those of each image."""
    return {
        "images": len(metrics.names),
        "scores": {key: vars(score) for key, score in metrics.summary().items()},
        "per_image": per_image_table(metrics)
        .astype(object)
        .where(lambda f: f.notna(), None)
        .to_dict("list"),
    }

"""How good masks are: the papers' metrics, for each image and over a data set with intervals."""

from harness.accuracy.metrics.binary import BinaryMetrics
from harness.accuracy.metrics.multi_class import MultiClassMetrics
from harness.accuracy.metrics.score import Score
from harness.accuracy.metrics.table import METRICS, Metric

__all__ = ["METRICS", "BinaryMetrics", "Metric", "MultiClassMetrics", "Score"]

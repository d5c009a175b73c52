"""How good masks are: the papers' metrics, for each image and over a data set with intervals."""

from samfit.harness.metrics.binary import BinaryMetrics
from samfit.harness.metrics.instances import InstanceMetrics
from samfit.harness.metrics.multi_class import MultiClassMetrics
from samfit.harness.metrics.score import Score
from samfit.harness.metrics.table import METRICS, Metric, main_metric

Metrics = BinaryMetrics | MultiClassMetrics | InstanceMetrics

__all__ = [
    "METRICS",
    "BinaryMetrics",
    "InstanceMetrics",
    "Metric",
    "Metrics",
    "MultiClassMetrics",
    "Score",
    "main_metric",
]

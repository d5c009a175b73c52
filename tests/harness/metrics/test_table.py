import json
import subprocess
import sys

import numpy as np

from samfit.harness.metrics import METRICS, BinaryMetrics, InstanceMetrics, MultiClassMetrics
from samfit.harness.metrics.table import class_key


def test_every_score_is_described():
    binary, classes, objects = BinaryMetrics(), MultiClassMetrics(2), InstanceMetrics()
    labels = np.eye(3, dtype=int)
    binary.update("image", labels * 1.0, labels == 1)
    classes.update("image", labels, labels)
    objects.update("image", [(labels == 1, labels == 1)])
    described = {*METRICS} - {"iou_class"} | {class_key(0), class_key(1)}
    assert {*binary.summary(), *classes.summary(), *objects.summary()} == described


def test_descriptions_are_told_apart_and_are_sentences():
    for attribute in ("key", "title", "definition"):
        assert len({getattr(metric, attribute) for metric in METRICS.values()}) == len(METRICS)
    for key, metric in METRICS.items():
        assert metric.key == key
        assert metric.definition.endswith(".")


def test_a_metric_is_looked_up_without_loading_what_computes_it():
    code = "import sys, json, samfit.harness.metrics; print(json.dumps(list(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert not {"torch", "scipy", "cv2", "skimage"} & set(json.loads(answer.stdout))

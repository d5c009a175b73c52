"""Every record in one flat table, with units in the names of its columns."""

import dataclasses
import json
from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from samfit.harness.metrics import METRICS
from samfit.harness.record.cell import Cell
from samfit.harness.record.record import Record
from samfit.units import MIB

Column = Callable[[Record], Any]


def _of(path: str, per: float = 1) -> Column:
    """What a record holds at ``path``, over ``per``; None where a part of it is missing."""

    def value(record: Record) -> Any:
        found: Any = record
        for name in path.split("."):
            found = getattr(found, name, None)
        return found if found is None or per == 1 else found / per

    return value


def _score(metric: str) -> Column:
    """A score on test images; None where there is none."""
    return lambda record: record.accuracy and record.accuracy.scores.get(metric, [None])[0]


def _recipe(record: Record) -> str | None:
    recipe = record.cell.recipe
    return json.dumps(dataclasses.asdict(recipe)) if recipe else None


WITH_UNIT = {"image_size": "image_size_pixels"}
SCORES = [name for name in METRICS if name != "iou_class"]  # classes differ from task to task

COLUMNS: dict[str, Column] = {
    "source": _of("source"),
    **{WITH_UNIT.get(f.name, f.name): _of(f"cell.{f.name}") for f in dataclasses.fields(Cell)},
    "settings": lambda record: json.dumps(dict(record.cell.settings)),
    "recipe": _recipe,
    "title": _of("method.title"),
    "serial": _of("method.serial"),
    "status": _of("status"),
    "trainable_parameters": _of("params.trainable"),
    "adapter_parameters": _of("params.adapter"),
    "peak_allocated_mib": _of("memory.peak_allocated_bytes", MIB),
    "peak_reserved_mib": _of("memory.peak_reserved_bytes", MIB),
    "peak_phase": _of("memory.peak_phase"),
    "peak_module": _of("memory.peak_module"),
    "step_median_ms": _of("timing.step_ms.median"),
    "step_p10_ms": _of("timing.step_ms.p10"),
    "step_p90_ms": _of("timing.step_ms.p90"),
    "images_per_second": _of("timing.images_per_second"),
    "tflops_per_image": _of("compute.flops_per_image", 1e12),
    **{name: _score(name) for name in SCORES},
    "train_images": _of("accuracy.train_images"),
    "test_images": _of("accuracy.test_images"),
    "train_s": _of("accuracy.train_ms", 1000),
    "assumption": _of("assumption"),
    "message": _of("message"),
}


def cells_table(records: Sequence[Record]) -> pd.DataFrame:
    """One row a record, with the columns of ``COLUMNS``; what a record does not hold is missing."""
    rows = [[value(record) for value in COLUMNS.values()] for record in records]
    return pd.DataFrame(rows, columns=list(COLUMNS)).convert_dtypes()

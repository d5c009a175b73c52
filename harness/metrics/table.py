"""Every metric in words: its name in tables, which way is better, and what exactly is computed."""

import csv
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One metric, a row of ``metrics.csv``.

    Attributes:
        key: its name in records.
        title: its name in prose.
        symbol: its name in a narrow table.
        better: ``larger`` or ``smaller``.
        definition: what is computed, with the source.
    """

    key: str
    title: str
    symbol: str
    better: str
    definition: str

    @property
    def larger_is_better(self) -> bool:
        """Which way is better."""
        return self.better == "larger"


with Path(__file__).with_name("metrics.csv").open(encoding="utf-8", newline="") as _file:
    METRICS = {row["key"]: Metric(**row) for row in csv.DictReader(_file)}


def class_key(index: int) -> str:
    """The key of a class's own ``iou_class``."""
    return f"iou_class_{index}"


def main_metric(classes: int) -> str:
    """The key of the score that decides where there is only one, on masks of so many classes."""
    return "iou" if classes == 1 else "miou"

"""Peak memory of methods on several backbones; what does not work together is said, with why."""

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from samfit.harness.record.record import Record
from samfit.harness.report.kit.describe import assumptions, describe_memory, step_name, unit_for
from samfit.harness.report.kit.select import (
    MEMORY_SOURCES,
    Series,
    has_memory,
    is_as_published,
    is_scored,
    memory_of,
    series_of,
    usual_batch_size,
)
from samfit.harness.report.kit.tables import MISSING, CaptionedTable, outcome

TITLE = "Peak memory on several backbones"


class Across(NamedTuple):
    """Methods and backbones that can be compared.

    Attributes:
        methods: with the records of each, at most one a backbone.
        backbones: the one on which the most frugal method takes least first.
        conditions: records with a peak, on the first of ``backbones``, that describe all.
    """

    methods: list[Series]
    backbones: list[str]
    conditions: list[Record]


def across_backbones(records: Sequence[Record]) -> Across | None:
    """What of ``records`` tells of one step on several backbones; None if there is no such thing.

    Of the training steps as published it is those of one source, image size and batch size, of
    which most backbones are known.
    """
    groups: dict[tuple[str, int], list[Record]] = {}
    for record in records:
        cell = record.cell
        if cell.phase == "train" and is_as_published(cell) and not is_scored(cell):
            groups.setdefault((record.source, cell.image_size), []).append(record)
    chosen = max(
        (group for (source, _), group in groups.items() if source in MEMORY_SOURCES),
        key=lambda group: len(_backbones(group)),
        default=[],
    )
    batch = usual_batch_size([record.cell.batch_size for record in chosen] or [0])
    shown = [record for record in chosen if record.cell.batch_size == batch]
    backbones = _backbones(shown)
    if len(backbones) < 2:
        return None
    conditions = [r for r in shown if has_memory(r) and r.cell.backbone == backbones[0]]
    return Across(series_of(shown), backbones, conditions)


def on(series: Series, backbone: str) -> Record | None:
    """What is known of a method on a backbone."""
    return next((r for r in reversed(series.records) if r.cell.backbone == backbone), None)


def backbones_table(across: Across) -> CaptionedTable:
    """Peaks in one unit, methods against backbones: rows are those of which there are more."""
    unit = unit_for([r for one in across.methods for r in one.records])
    rows, reasons = [], list[str]()

    def peak(record: Record) -> str:
        return f"{memory_of(record).peak_allocated_bytes / unit.nbytes:,.2f}"

    for series in across.methods:
        row = {"method": series.label, "kind": series.kind or MISSING}
        for backbone in across.backbones:
            record = on(series, backbone)
            row[backbone] = outcome(record, peak)
            if record and record.status == "unsupported":
                reasons.append(f"{series.label} on {backbone}: {record.message}")
        rows.append(row)
    frame = pd.DataFrame(rows)
    if len(across.backbones) > len(rows):
        frame = frame.drop(columns="kind").set_index("method").T
        frame = frame.rename_axis(index="backbone", columns=None).reset_index()
    title = f"{TITLE}, one {step_name(across.conditions)}, {unit.name}"
    return CaptionedTable(frame, title, " ".join([conditions(across), *reasons]))


def conditions(across: Across) -> str:
    """Where the figures come from, and what holds for all of them."""
    batch = across.conditions[0].cell.batch_size
    return (
        f"Batch size {batch}; as published, each backbone with the attention of its own code. "
        f"{assumptions(across.conditions)}Source, of the first: "
        f"{describe_memory(across.conditions)}."
    )


def _backbones(records: Sequence[Record]) -> list[str]:
    """Those of which a peak is known, the one with the smallest first."""
    least: dict[str, int] = {}
    for record in filter(has_memory, records):
        name, peak = record.cell.backbone, memory_of(record).peak_allocated_bytes
        least[name] = min(peak, least.get(name, peak))
    return sorted(least, key=lambda name: (least[name], name))

"""Each method as published and, beside it, with every lever that it can use: one table."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import pandas as pd

from samfit.harness.record.cell import Cell
from samfit.harness.record.lever import LEVER_FIELDS, LEVERS, has_exact_levers_only
from samfit.harness.record.record import Record
from samfit.harness.report.kit.describe import (
    describe_memory,
    origin,
    pulled,
    short_number,
    step_name,
)
from samfit.harness.report.kit.select import (
    Series,
    has_memory,
    is_as_published,
    memory_records,
    series_of,
)
from samfit.harness.report.kit.tables import MISSING, CaptionedTable
from samfit.units import GIB

PUBLISHED, EXACT = "as published", "with every exact lever"
# The lever that each further stage adds to the stage before it.
FURTHER = {f"plus {lever.stage}": lever for lever in LEVERS if lever.tried and not lever.exact}
STAGES = (PUBLISHED, EXACT, *FURTHER)
COMPARED = "cad"  # whose lead over serial methods, as published, the README begins with
CONDITIONS = (
    "All figures are predicted. Levers do not change what a method computes, except by rounding "
    "(more with bf16); cached embeddings rule out augmentation. "
)
KEPT = [f.name for f in dataclasses.fields(Cell) if f.name not in ("settings", *LEVER_FIELDS)]


class Stages(NamedTuple):
    """One method at one batch size; ``records`` has the stages that there are, by name."""

    series: Series
    batch: int
    records: dict[str, Record]

    def peaks_gib(self) -> dict[str, float]:
        """Peak memory allocated at each stage."""
        found = {stage: record.memory for stage, record in self.records.items()}
        return {name: m.peak_allocated_bytes / GIB for name, m in found.items() if m}


def side_by_side(records: Sequence[Record]) -> list[Stages]:
    """The predictions of methods that are there as published and with exact levers.

    As published they are those that ``select.memory_records`` chooses; of Cells with exact levers
    the one with most of them counts. Small batch sizes come first, then what takes least as
    published.
    """
    predicted = [r for r in records if r.source == "predicted" and has_memory(r)]
    published = [r for r in memory_records(predicted) if is_as_published(r.cell)]
    exact = _exact_cells(predicted, published)
    by_cell = {record.cell.key: record for record in predicted}
    found = [
        Stages(series, batch, {PUBLISHED: record, **_further(exact[record.cell.key], by_cell)})
        for series in series_of(published)
        for batch, record in series.by_batch().items()
        if record.cell.key in exact
    ]
    return sorted(found, key=lambda one: (one.batch, one.peaks_gib()[PUBLISHED]))


def side_by_side_table(shown: Sequence[Stages]) -> CaptionedTable:
    """Peak memory in GiB of each method and batch size, stage by stage, and its exact levers."""
    published = [one.records[PUBLISHED] for one in shown]
    caption = (
        f"Peak memory allocated in one {step_name(published)}, GiB. {CONDITIONS}"
        f"{compared(shown)}Source, as published: {describe_memory(published)}; "
        f"{origin(published)}."
    )
    frame = pd.DataFrame([_row(one) for one in shown])
    return CaptionedTable(frame, "As published, and with every lever", caption)


def compared(shown: Sequence[Stages]) -> str:
    """Sentences on how levers change one method's share of what the leanest serial one takes."""
    sentences = []
    for batch in sorted({one.batch for one in shown}):
        here = [one for one in shown if one.batch == batch]
        ours = next((one for one in here if one.series.adapter == COMPARED), None)
        serial = [one for one in here if one.series.serial]
        if ours and serial:
            shares = ", ".join(_shares(ours, serial))
            sentences.append(
                f"Memory of {ours.series.label} at batch size {batch}, as a share of the leanest "
                f"serial method's: {shares}. "
            )
    return "".join(sentences)


def _shares(ours: Stages, serial: Sequence[Stages]) -> Iterator[str]:
    """For each stage that both sides have: the share, and of which method."""
    for stage, peak in ours.peaks_gib().items():
        others = [(one.peaks_gib()[stage], one) for one in serial if stage in one.records]
        if others:
            least, best = min(others, key=lambda other: other[0])
            yield f"{peak / least:.0%} {stage} ({best.series.label})"


def _row(one: Stages) -> dict[str, str]:
    peaks = one.peaks_gib()
    return {
        "method": one.series.label,
        "kind": one.series.kind or MISSING,
        "batch": str(one.batch),
        **{stage: short_number(peaks[stage]) if stage in peaks else MISSING for stage in STAGES},
        "exact levers": ", ".join(pulled(one.records[EXACT].cell)),
    }


def _exact_cells(predicted: Sequence[Record], published: Sequence[Record]) -> dict[str, Cell]:
    """By the key of each published Cell: the same with most exact levers, where there is one."""
    found: dict[str, Cell] = {}
    for record in predicted:
        cell = record.cell
        if is_as_published(cell) or not has_exact_levers_only(cell):
            continue
        owners = [one.cell for one in published if _is_lean_form(cell, one.cell)]
        if owners:
            owner = max(owners, key=lambda one: len(one.settings))
            found[owner.key] = max(cell, found.get(owner.key, cell), key=lambda c: len(pulled(c)))
    return found


def _is_lean_form(cell: Cell, published: Cell) -> bool:
    """Whether ``cell`` differs by levers only, a switch among the settings being one of them."""
    own, base = cell.settings, published.settings
    return (
        all(getattr(cell, name) == getattr(published, name) for name in KEPT)
        and base.items() <= own.items()
        and all(value is True for name, value in own.items() if name not in base)
    )


def _further(exact: Cell, by_cell: dict[str, Record]) -> dict[str, Record]:
    """The stages from ``exact`` on that have a record."""
    cells = {EXACT: exact}
    for stage, lever in FURTHER.items():
        exact = cells[stage] = lever.apply(exact)
    return {stage: by_cell[cell.key] for stage, cell in cells.items() if cell.key in by_cell}

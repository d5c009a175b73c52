"""Records as one HTML page."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from samfit.harness.record.record import Record
from samfit.harness.report.cells import cells_table
from samfit.harness.report.kit.describe import in_words, method_title, origin, pulled
from samfit.harness.report.kit.tables import MISSING, CaptionedTable
from samfit.harness.report.page.fits import fits_data
from samfit.harness.report.page.shared import Plot, own, render
from samfit.harness.report.page.summary import summary

HERE = Path(__file__).parent
FIGURES = {  # column of cells_table, what it is divided by, decimals
    "batch": ("batch_size", 1, 0),
    "trained, M": ("trainable_parameters", 1e6, 3),
    "allocated, MiB": ("peak_allocated_mib", 1, 0),
    "reserved, MiB": ("peak_reserved_mib", 1, 0),
    "step, ms": ("step_median_ms", 1, 1),
    "images/s": ("images_per_second", 1, 2),
    "IoU": ("iou", 1, 3),
    "mIoU": ("miou", 1, 3),
}


class Section(NamedTuple):
    """What the page shows of one topic."""

    title: str
    tables: list[CaptionedTable]
    plots: list[Plot]

    @property
    def anchor(self) -> str:
        """The name by which the page links to it."""
        return self.title.lower().replace(" ", "-")


def report_page(records: Sequence[Record], sections: Sequence[Section], notes: str) -> bytes:
    """The page, in UTF-8: it needs no other file. Everything that comes from records is escaped."""
    makers: dict[str, list[Record]] = {}
    for record in records:
        makers.setdefault(_maker(record), []).append(record)
    numbers = {maker: number for number, maker in enumerate(makers, 1)}
    made = [numbers[_maker(record)] for record in records]
    cells = _cells(records)
    return render(
        HERE,
        "page.html",
        script=own(HERE / "page.js"),
        origin=origin(records),
        sentences=summary(records),
        fits=fits_data(records),
        sections=sections,
        notes=notes,
        columns=cells.columns.tolist(),
        cells=[*zip(records, made, cells.to_numpy().tolist(), strict=True)],
        sources=[_source(group) for group in makers.values()],
    )


def _cells(records: Sequence[Record]) -> pd.DataFrame:
    """One row a Cell, in text; no column without a value."""
    cells, figures = [record.cell for record in records], cells_table(records)
    columns = {
        "method": [method_title(record) for record in records],
        "model": [
            f"{cell.backbone} {cell.image_size}" + (", infer" if cell.phase == "infer" else "")
            for cell in cells
        ],
        "levers and settings": [", ".join(pulled(cell)) or MISSING for cell in cells],
        "task": [f"{cell.task}, seed {cell.seed}" if cell.task else MISSING for cell in cells],
        "ended": [record.status for record in records],
        **{
            name: [_number(value, per, decimals) for value in figures[column]]
            for name, (column, per, decimals) in FIGURES.items()
        },
        "source": [record.source for record in records],
    }
    frame = pd.DataFrame(columns)
    return frame.loc[:, (frame != MISSING).any()]


def _number(value: Any, per: float, decimals: int) -> str:
    return MISSING if pd.isna(value) else f"{value / per:,.{decimals}f}"


def _maker(record: Record) -> str:
    """What tells apart the environments in which records were made, and their kinds."""
    varying = ("cpu_load_1min", "checkpoint_sha256")
    kept = {name: v for name, v in record.environment.items() if name not in varying}
    return json.dumps([record.source, kept], sort_keys=True)


def _source(made: Sequence[Record]) -> dict[str, Any]:
    """Title and facts of records of one maker."""
    title, first = f"{made[0].source}, {len(made)} Cells: {origin(made)}", made[0]
    found: dict[str, Any] = {
        "instrument": first.memory and first.memory.instrument,
        **first.environment,
    }
    found |= found.pop("packages", None) or {}
    facts = [(in_words(name), str(v)) for name, v in found.items() if v is not None]
    return {"title": title, "facts": facts}

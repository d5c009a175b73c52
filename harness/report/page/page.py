"""Records as one HTML page."""

import base64
import io
import json
from collections.abc import Iterator, Sequence
from itertools import compress
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from PIL import Image

from samfit.harness.record.record import Record
from samfit.harness.report.kit.describe import method_title, origin, pulled
from samfit.harness.report.kit.tables import MISSING, TEXT, CaptionedTable, cells_table
from samfit.harness.report.page.fits import fits_data
from samfit.harness.report.page.summary import summary

HERE = Path(__file__).parent
WORDS = ("method", "model", "levers and settings", "task", "ended")
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
TEXT_COLUMNS = {*WORDS, *TEXT, "source"}


class Plot(NamedTuple):
    """A plot as the page shows it.

    Attributes:
        title: of one line.
        text: what it shows, for those who cannot see it.
        png: the picture.
    """

    title: str
    text: str
    png: bytes

    @property
    def data_uri(self) -> str:
        """The very pixels of the picture, in fewer bytes than a PNG takes."""
        webp = io.BytesIO()
        Image.open(io.BytesIO(self.png)).save(webp, "WEBP", lossless=True)
        return f"data:image/webp;base64,{base64.b64encode(webp.getvalue()).decode()}"


def report_page(
    records: Sequence[Record], tables: Sequence[CaptionedTable], plots: Sequence[Plot]
) -> bytes:
    """The page, in UTF-8: it needs no other file. Everything that comes from records is escaped."""
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    makers = [_maker(record) for record in records]
    names, cells = [*WORDS, *FIGURES], list(_rows(records, makers))
    known = [any(cell["values"][i] != MISSING for cell in cells) for i in range(len(names))]
    for cell in cells:  # no column without a value
        cell["values"] = [*compress(cell["values"], known)]
    page = environment.get_template("page.html").render(
        css=_own("page.css"),
        script=_own("page.js"),
        origin=origin(records),
        sentences=summary(records),
        fits=fits_data(records),
        plots=plots,
        tables=[_table(table) for table in tables if not table.frame.empty],
        columns=[_column(name) for name in (*compress(names, known), "source")],
        cells=cells,
        sources=_sources(records, makers),
    )
    return page.encode()


def _own(name: str) -> Markup:
    """A file of this folder, to be written into the page as it is."""
    return Markup((HERE / name).read_text(encoding="utf-8"))


def _column(name: str) -> dict[str, Any]:
    return {"name": name, "number": name not in TEXT_COLUMNS}


def _table(table: CaptionedTable) -> dict[str, Any]:
    return {
        "title": table.title,
        "caption": table.caption,
        "columns": [_column(str(name)) for name in table.frame.columns],
        "rows": table.frame.astype(str).values.tolist(),
    }


def _rows(records: Sequence[Record], makers: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The table of all Cells; ``made`` counts the distinct makers from 1."""
    numbers_of = {maker: number for number, maker in enumerate(dict.fromkeys(makers), 1)}
    rows = cells_table(records).to_dict("records")
    for record, maker, figures in zip(records, makers, rows, strict=True):
        cell = record.cell
        model = f"{cell.backbone} {cell.image_size}" + (", infer" if cell.phase == "infer" else "")
        words = [
            method_title(record),
            model,
            ", ".join(pulled(cell)) or MISSING,
            f"{cell.task}, seed {cell.seed}" if cell.task else MISSING,
            record.status,
        ]
        numbers = [_number(figures[name], per, places) for name, per, places in FIGURES.values()]
        yield {
            "key": record.key,
            "source": record.source,
            "status": record.status,
            "message": record.message,
            "made": numbers_of[maker],
            "values": [*words, *numbers],
        }


def _number(value: Any, per: float, decimals: int) -> str:
    return MISSING if pd.isna(value) else f"{value / per:,.{decimals}f}"


def _maker(record: Record) -> str:
    """What tells apart the environments in which records were made, and their kinds."""
    varying = ("cpu_load_1min", "checkpoint_sha256")
    kept = {name: v for name, v in record.environment.items() if name not in varying}
    return json.dumps([record.source, kept], sort_keys=True)


def _sources(records: Sequence[Record], makers: Sequence[str]) -> list[dict[str, Any]]:
    """Title and facts of each distinct maker, in order of appearance."""
    groups: dict[str, list[Record]] = {}
    for record, maker in zip(records, makers, strict=True):
        groups.setdefault(maker, []).append(record)
    return [
        {
            "title": f"{group[0].source}, {len(group)} Cells: {origin(group)}",
            "facts": _facts(group[0]),
        }
        for group in groups.values()
    ]


def _facts(record: Record) -> list[tuple[str, str]]:
    """An environment, flat."""
    found = {**record.environment, **(record.environment.get("packages") or {})}
    found.pop("packages", None)
    if record.memory:
        found = {"instrument": record.memory.instrument, **found}
    return [(n.replace("_", " "), str(v)) for n, v in found.items() if v is not None]

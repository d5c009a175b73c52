"""Write a report: tables and plots of records, into a folder."""

import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from samfit.errors import UserError
from samfit.files import write_whole
from samfit.harness.record.record import Record
from samfit.harness.report.accuracy.accuracy_vs_memory import accuracy_vs_memory
from samfit.harness.report.accuracy.accuracy_vs_time import accuracy_vs_time
from samfit.harness.report.accuracy.gallery import gallery
from samfit.harness.report.accuracy.table import accuracy_tables
from samfit.harness.report.agreement.pairs import agreement_table
from samfit.harness.report.kit.style import styled
from samfit.harness.report.kit.tables import (
    CaptionedTable,
    cells_table,
    memory_table,
    throughput_table,
)
from samfit.harness.report.levers.plot import levers
from samfit.harness.report.levers.table import side_by_side_table
from samfit.harness.report.memory.batch_plot import memory_vs_batch
from samfit.harness.report.memory.breakdown_plot import breakdown
from samfit.harness.report.memory.parameters_plot import parameters_vs_memory
from samfit.harness.report.memory.timeline_plot import timeline
from samfit.harness.report.page.page import Plot, report_page
from samfit.harness.report.throughput.plot import throughput_vs_batch

Draw = Callable[[Sequence[Record]], Figure | None]

# A plot's files carry the name of its function.
PLOTS: tuple[Draw, ...] = (
    memory_vs_batch,
    breakdown,
    timeline,
    parameters_vs_memory,
    levers,
    throughput_vs_batch,
)
ACCURACY_PLOTS: tuple[Draw, ...] = (accuracy_vs_memory, accuracy_vs_time, gallery)
MADE_OF_PIXELS = (gallery,)  # an SVG of which would be larger than the PNG, and no sharper
# Without a date, so that the same records give the same bytes.
FORMATS: dict[str, dict[str, Any]] = {"png": {}, "svg": {"metadata": {"Date": None}}}


def write_report(records: Sequence[Record], folder: Path) -> list[Path]:
    """Write ``report.html``, ``table.csv``, ``table.md`` and each plot as PNG and SVG.

    The page holds all that the other files do. A file appears as a whole, and the same records give
    the same bytes. A plot for which there are no records is left out; one that is made of pixels
    has no SVG.

    Returns:
        the files that were written.

    Raises:
        UserError: if ``folder`` cannot be written.
    """
    tables = captioned_tables(records)
    contents = {"table.csv": _csv(records), "table.md": _markdown(tables)}
    shown = []
    for plot in (*PLOTS, *ACCURACY_PLOTS):
        figure = plot(records)
        if figure is not None:
            formats = ("png",) if plot in MADE_OF_PIXELS else tuple(FORMATS)
            files = pictures(plot.__name__, figure, formats)
            title, *texts = (text.get_text().replace("\n", " ") for text in figure.texts)
            shown.append(Plot(title, " ".join(texts), files[f"{plot.__name__}.png"]))
            contents |= files
    return write_files({"report.html": report_page(records, tables, shown), **contents}, folder)


def write_files(contents: Mapping[str, bytes], folder: Path) -> list[Path]:
    """Write files into ``folder``, which is made; each appears as a whole.

    Returns:
        the files, in the order of ``contents``.

    Raises:
        UserError: if ``folder`` cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            write_whole(folder / name, content)
    except OSError as error:
        raise UserError(f"cannot write the report to {folder}: {error.strerror}.") from error
    return [folder / name for name in contents]


def _csv(records: Sequence[Record]) -> bytes:
    return cells_table(records).to_csv(index=False, lineterminator="\n").encode()


def captioned_tables(records: Sequence[Record]) -> list[CaptionedTable]:
    """The tables of a report; comparisons only where there is something to compare."""
    comparisons = [side_by_side_table(records), agreement_table(records)]
    filled = [table for table in comparisons if not table.frame.empty]
    return [memory_table(records), throughput_table(records), *filled, *accuracy_tables(records)]


def _markdown(tables: Sequence[CaptionedTable]) -> bytes:
    return "\n".join(table.to_markdown() for table in tables).encode()


@styled
def pictures(
    name: str, figure: Figure, formats: Sequence[str] = tuple(FORMATS)
) -> dict[str, bytes]:
    """``figure`` in each of ``formats``, by the name of its file."""
    found = {}
    for suffix in formats:
        buffer = io.BytesIO()
        figure.savefig(buffer, format=suffix, **FORMATS[suffix])
        found[f"{name}.{suffix}"] = buffer.getvalue()
    return found

"""Write a report: tables and plots of records, topic by topic, into a folder."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from matplotlib.figure import Figure
from rich.console import Group, RenderableType

from samfit.harness.record.record import Record
from samfit.harness.report.accuracy.gallery import gallery
from samfit.harness.report.accuracy.plot import accuracy_vs_memory, accuracy_vs_time
from samfit.harness.report.accuracy.scored import scored_methods
from samfit.harness.report.accuracy.table import metrics_table, tasks_table
from samfit.harness.report.agreement.table import agreement_table
from samfit.harness.report.backbones.plot import memory_vs_backbone
from samfit.harness.report.backbones.table import across_backbones, backbones_table
from samfit.harness.report.cells import cells_table
from samfit.harness.report.kit.describe import footnote
from samfit.harness.report.kit.picture import FORMATS, pictures, write_files
from samfit.harness.report.kit.select import MARK, shown_memory, time_records
from samfit.harness.report.kit.tables import CaptionedTable
from samfit.harness.report.levers.plot import levers
from samfit.harness.report.levers.table import side_by_side, side_by_side_table
from samfit.harness.report.memory.batch_plot import memory_vs_batch
from samfit.harness.report.memory.breakdown_plot import breakdown
from samfit.harness.report.memory.parameters_plot import parameters_vs_memory
from samfit.harness.report.memory.table import memory_table
from samfit.harness.report.memory.timeline_plot import timeline
from samfit.harness.report.page.page import Section, report_page
from samfit.harness.report.page.shared import Plot
from samfit.harness.report.throughput.plot import throughput_vs_batch
from samfit.harness.report.throughput.table import throughput_table


class Topic(NamedTuple):
    """What a report says about one thing.

    Attributes:
        title: the heading of its section on the page, and in docs/results.md.
        choose: what of all records it shows; something false where that is nothing.
        tables, plots: each makes its part of what was chosen; None where that has no such figures.
            A plot's files carry the name of its function.
    """

    title: str
    choose: Callable[[Sequence[Record]], Any]
    tables: Sequence[Callable[[Any], CaptionedTable | None]]
    plots: Sequence[Callable[[Any], Figure | None]] = ()


TOPICS = (
    Topic(
        "Memory",
        shown_memory,
        [memory_table],
        [memory_vs_batch, breakdown, timeline, parameters_vs_memory],
    ),
    Topic("Levers", side_by_side, [side_by_side_table], [levers]),
    Topic("Backbones", across_backbones, [backbones_table], [memory_vs_backbone]),
    Topic("Throughput", time_records, [throughput_table], [throughput_vs_batch]),
    Topic("Predicted against measured", shown_memory, [agreement_table]),
    Topic(
        "Accuracy",
        scored_methods,
        [tasks_table, metrics_table],
        [accuracy_vs_memory, accuracy_vs_time, gallery],
    ),
)
MADE_OF_PIXELS = (gallery,)  # an SVG of which would be larger than the PNG, and no sharper
NOTHING = "No record holds a peak, a time or a score.\n"


def report(records: Sequence[Record], folder: Path | str) -> list[Path]:
    """Write ``report.html``, ``table.csv``, ``table.md`` and each plot as PNG and SVG.

    The page holds all that the other files do. A file appears as a whole, and the same records give
    the same bytes. A plot for which there are no records is left out; one that is made of pixels
    has no SVG.

    Returns:
        the files that were written.

    Raises:
        UserError: if ``folder`` cannot be written.
    """
    sections: list[Section] = []
    files: dict[str, bytes] = {}
    for topic, chosen in _chosen(records):
        section = Section(topic.title, _tables(topic, chosen), [])
        for draw in topic.plots:
            if figure := draw(chosen):
                formats = ("png",) if draw in MADE_OF_PIXELS else tuple(FORMATS)
                drawn = pictures(draw.__name__, figure, formats)
                section.plots.append(Plot.of(figure, drawn[f"{draw.__name__}.png"]))
                files |= drawn
        sections.append(section)
    notes = _notes(records)
    tables = [table.to_markdown() for section in sections for table in section.tables]
    texts = [*tables, f"{notes}\n"] if notes else tables or [NOTHING]
    contents = {
        "report.html": report_page(records, sections, notes),
        "table.csv": cells_table(records).to_csv(index=False, lineterminator="\n").encode(),
        "table.md": "\n".join(texts).encode(),
    }
    return write_files(contents | files, Path(folder))


def report_tables(records: Sequence[Record]) -> list[CaptionedTable]:
    """The tables of a report, those for which there are records."""
    return [table for topic, chosen in _chosen(records) for table in _tables(topic, chosen)]


def report_for_terminal(records: Sequence[Record]) -> RenderableType:
    """The tables of a report, and what they assume."""
    tables = report_tables(records)
    return Group(*tables, _notes(records)) if tables else NOTHING


def _chosen(records: Sequence[Record]) -> Iterator[tuple[Topic, Any]]:
    """The topics about which ``records`` say something, with what each shows."""
    for topic in TOPICS:
        if chosen := topic.choose(records):
            yield topic, chosen


def _tables(topic: Topic, chosen: Any) -> list[CaptionedTable]:
    made = [make(chosen) for make in topic.tables]
    return [table for table in made if table is not None]


def _notes(records: Sequence[Record]) -> str:
    """The footnote to which ``select.MARK`` points, or nothing."""
    text = footnote(records)
    return f"{MARK} {text.strip()}" if text else ""

"""What a terminal shows of a program that ran on cards that are not there."""

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from samfit.harness.program.figures import ProgramReport
from samfit.harness.program.places import short
from samfit.harness.report.kit.describe import counted
from samfit.harness.report.kit.tables import in_lines
from samfit.harness.report.program.facts import (
    Facts,
    card_name,
    card_words,
    facts,
    files_left,
    refusal_facts,
    trust,
    versions_words,
)
from samfit.harness.report.program.tables import cards_table, peak_tables, reads_table

MOST_LINES, MOST_READS, MOST_FILES = 10, 10, 5
COLUMNS = 76  # of a list of files: longer paths are broken after a slash


def program_summary(report: ProgramReport) -> RenderableType:
    """The verdict, what it rests on, and what would help."""
    return Group(*_parts(report))


def _parts(report: ProgramReport) -> Iterator[RenderableType]:
    figures = facts(report) if report.cards else []
    yield Text(f"{report.message}\n", style="bold")
    if report.refused:
        yield _grid([("card", card_words(report)), *refusal_facts(report.refused)])
        yield Text("\nwith enough memory\n" if figures else "", style="bold")
        yield _grid(figures)
    else:
        yield _grid([("card", card_words(report)), *figures])
    yield ""
    if report.cards:
        yield from _tables(report)
    if report.advice:
        yield _grid([("-", sentence) for sentence in report.advice])
        yield ""
    if table := reads_table(report, MOST_READS):
        yield table
    for what, names in files_left(report).items():
        yield from _files(what, names)
    yield Text(f"{trust(report)} {versions_words(report)}", style="table.caption")


def _tables(report: ProgramReport) -> Iterator[RenderableType]:
    found = report.largest
    if len(report.cards) > 1:
        yield cards_table(report.cards)
        yield Text(f"{card_name(found)}\n", style="bold")
    yield from peak_tables(found, MOST_LINES)


def _grid(pairs: Facts) -> Table:
    grid = Table.grid(padding=(0, 2))
    for name, text in pairs:
        grid.add_row(Text(name, style="bold"), Text(text))
    return grid


def _files(what: str, names: Sequence[str]) -> Iterator[RenderableType]:
    if not names:
        return
    yield Text(f"{counted(len(names), 'file')} {what}", style="bold")
    for name in names[:MOST_FILES]:
        yield Text(in_lines(short(name), "/", COLUMNS))
    if len(names) > MOST_FILES:
        yield f"and {len(names) - MOST_FILES} more"
    yield ""

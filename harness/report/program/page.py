"""The report of a program as one page."""

from pathlib import Path

from samfit.errors import UserError
from samfit.files import write_whole, writing_to
from samfit.harness.program.figures import ProgramReport
from samfit.harness.program.places import short
from samfit.harness.report.kit.tables import CaptionedTable
from samfit.harness.report.page.shared import Plot, own, render
from samfit.harness.report.program.facts import (
    Facts,
    card_words,
    command_words,
    facts,
    files_left,
    refusal_facts,
    trust,
    versions_words,
)
from samfit.harness.report.program.plots import holders, timeline
from samfit.harness.report.program.tables import cards_table, peak_tables, reads_table

HERE = Path(__file__).parent
MOST_LINES = 30


def check_page(path: Path) -> None:
    """Refuse a file that ``write_page`` could not write, before the program runs.

    Raises:
        UserError: if the name does not end in .html.
    """
    if path.suffix.lower() != ".html":
        raise UserError(f"--output must end in .html, got {str(path)!r}.")


def write_page(report: ProgramReport, path: Path) -> None:
    """Write the page; folders are made.

    Raises:
        UserError: if ``path`` cannot be written.
    """
    page = program_page(report)
    with writing_to(f"--output {path}"):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, page)


def program_page(report: ProgramReport) -> bytes:
    """The page, in UTF-8: it needs no other file. What the program named is escaped."""
    figures, plots = [], []
    tables: list[CaptionedTable] = []
    if report.cards:
        found = report.largest
        figures = facts(report)
        plots = [Plot.of(timeline(report)), Plot.of(holders(report))]
        several = [cards_table(report.cards)] if len(report.cards) > 1 else []
        tables = [*several, *peak_tables(found, MOST_LINES)]
    read = reads_table(report)
    return render(
        HERE,
        "page.html",
        own_css=own(HERE / "page.css"),
        report=report,
        card=card_words(report),
        refused=refusal_facts(report.refused) if report.refused else [],
        figures=figures,
        plots=plots,
        tables=tables,
        reads=[read] if read else [],
        files={title: list(map(short, names)) for title, names in files_left(report).items()},
        made=_made(report),
    )


def _made(report: ProgramReport) -> Facts:
    return [
        ("command", command_words(report)),
        ("with", versions_words(report)),
        ("how far to trust it", trust(report)),
    ]

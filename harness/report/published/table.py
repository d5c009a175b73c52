"""What others measured and what a rehearsal says of it: tables, and the files that hold them."""

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from samfit.harness.record.published import Comparison
from samfit.harness.report.kit.picture import pictures, write_files
from samfit.harness.report.kit.tables import MISSING, CaptionedTable
from samfit.harness.report.published.plot import published_plot
from samfit.units import MIB

PEAKS = (
    "Rehearsed is what the instrument would have shown: with max_memory_allocated the peak that "
    "PyTorch allocated; else what it reserved and a CUDA context."
)
MESSAGES = (
    "The numbers of the message of out of memory, published / rehearsed. The rehearsal had the "
    "memory that the message reports, reserved and free; it says how much more was tried, and what "
    "PyTorch held then."
)

Comparisons = Sequence[Comparison]


def published_tables(found: Comparisons) -> list[CaptionedTable]:
    """Peaks, messages of out of memory, what ran; notes on each figure; what is not compared."""
    numbered = list(enumerate(found, 1))
    compared = [(number, each) for number, each in numbered if each.outcome]
    peaks = [_peak(*pair) for pair in compared if pair[1].figure.measured_mib is not None]
    messages = [_message(*pair) for pair in compared if pair[1].figure.message]
    ends = [_end(*pair) for pair in compared if pair[1].figure.instrument.startswith("ran")]
    notes = [_note(*pair) for pair in compared]
    others = [_other(*pair) for pair in numbered if not pair[1].outcome]
    return [
        CaptionedTable(pd.DataFrame(peaks), "Published peaks, and rehearsed ones, MiB", PEAKS),
        CaptionedTable(pd.DataFrame(messages), "Published messages of out of memory", MESSAGES),
        CaptionedTable(pd.DataFrame(ends), "What is known to have run, or not"),
        CaptionedTable(pd.DataFrame(notes), "Where each figure is from, and what differs"),
        CaptionedTable(pd.DataFrame(others), "Published figures that no Cell describes, MiB"),
    ]


def write_published(found: Comparisons, folder: Path) -> list[Path]:
    """Write the tables as Markdown and the plot as PNG and SVG; a file appears as a whole.

    Raises:
        UserError: if ``folder`` cannot be written.
    """
    tables = "\n".join(table.to_markdown() for table in published_tables(found))
    source = f"rehearsed with torch {version('torch')}"
    figure = published_plot(found, source)
    contents = {"table.md": f"{tables}\nSource: {source}.\n".encode()}
    return write_files(contents | pictures("published", figure), folder)


def _peak(number: int, each: Comparison) -> dict[str, str]:
    figure = each.figure
    return {
        "figure": f"{figure.what} [{number}]",
        "measured by": figure.instrument,
        "published": _whole(figure.measured_mib),
        "rehearsed": _whole(each.rehearsed_mib),
        "difference": _percent(each.difference),
        "Cell": figure.match,
    }


def _message(number: int, each: Comparison) -> dict[str, str]:
    message, end = each.figure.message, each.outcome and each.outcome.exhausted
    assert message is not None
    names = {"tried": "requested", "allocated": "allocated", "reserved": "reserved", "free": "free"}
    pairs = {
        f"{name}, GiB": f"{_gib(getattr(message, f'{name}_mib'))} / "
        f"{_gib(getattr(end, f'{other}_bytes') / MIB) if end else MISSING}"
        for name, other in names.items()
    }
    return {
        "figure": f"{each.figure.what} [{number}]",
        **pairs,
        "difference": _percent(each.difference),
        "Cell": each.figure.match,
    }


def _end(number: int, each: Comparison) -> dict[str, str]:
    figure = each.figure
    assert each.outcome is not None
    return {
        "figure": f"{figure.what} [{number}]",
        "card": figure.card or MISSING,
        "published": figure.instrument,
        "rehearsed": "ran out" if each.outcome.exhausted else "ran",
        "Cell": figure.match,
    }


def _note(number: int, each: Comparison) -> dict[str, str]:
    figure = each.figure
    where = ", ".join(filter(None, [figure.card, figure.torch and f"torch {figure.torch}"]))
    note = f"{where}. {figure.note}" if where else figure.note
    return {"no.": f"[{number}]", "source": figure.source, "what it is": note}


def _other(number: int, each: Comparison) -> dict[str, str]:
    figure = each.figure
    return {
        "figure": f"{figure.what} [{number}]",
        "measured by": figure.instrument,
        "published": _whole(each.measured_mib),
        "why": figure.note,
        "source": figure.source,
    }


def _whole(mib: float | None) -> str:
    return MISSING if mib is None else f"{mib:,.0f}"


def _gib(mib: float) -> str:
    return f"{mib / 1024:.2f}"


def _percent(share: float | None) -> str:
    return MISSING if share is None else f"{share:+.1%}"

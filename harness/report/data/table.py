"""What a terminal shows of a data set."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from samfit.harness.data.summary import Summary

MOST_SIZES, MOST_CLASSES = 3, 40


def summary_table(summary: Summary) -> RenderableType:
    """All that ``summary`` says, and its remarks below."""
    remarks = Table.grid(padding=(0, 1))
    for remark in summary.remarks:
        remarks.add_row("-", Text(remark))
    return Group(summary_figures(summary), "", remarks)


def summary_figures(summary: Summary) -> RenderableType:
    """What ``summary`` says in figures."""
    facts = Table.grid(padding=(0, 2))
    for name, text in _facts(summary):
        facts.add_row(Text(name, style="bold"), Text(text))
    return Group(Text(summary.name, style="bold"), facts)


def _facts(summary: Summary) -> Iterator[tuple[str, str]]:
    splits = ", ".join(f"{split} {count:,}" for split, count in summary.splits.items())
    yield "images", f"{summary.images:,} ({splits})"
    yield "sizes", _sizes(summary)
    yield "channels", f"{summary.channels}"
    if summary.pages > 1:
        yield "pages", f"{summary.pages} in a file"
    low, high = summary.intensity_range
    yield "intensities", f"{low:g} to {high:g} become black to white"
    yield "masks", f"{summary.masks['kind']}"
    yield "foreground", f"{summary.foreground_share:.1%} of the labelled pixels"
    if summary.classes > 1:
        yield "classes", f"{summary.classes}, with their shares of the labelled pixels:"
        shares = [*summary.class_shares.items()]
        for name, share in shares[:MOST_CLASSES]:
            yield "", f"{name}  {share:.1%}"
        if len(shares) > MOST_CLASSES:
            yield "", f"and {len(shares) - MOST_CLASSES} more"
    yield "objects", f"{summary.instances:,}, {summary.instances / summary.images:.1f} an image"
    yield "empty masks", f"{summary.empty:,}"
    yield "vanished", f"{summary.vanished:,} objects at {_input(summary)}"
    yield "thin", f"{summary.thin_share:.0%} of the foreground is thinner than a mask's pixel there"


def _input(summary: Summary) -> str:
    return f"SAM's input of {summary.image_size} x {summary.image_size}"


def _sizes(summary: Summary) -> str:
    shown = [f"{width} x {height} ({count:,})" for width, height, count in summary.sizes]
    if len(shown) > MOST_SIZES:
        shown[MOST_SIZES:] = [f"{len(shown) - MOST_SIZES} other sizes"]
    return ", ".join(shown)

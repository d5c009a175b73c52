"""One kind of table: for Markdown, for a terminal and for the page."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import pandas as pd
from rich.box import SIMPLE
from rich.console import Console, ConsoleOptions, JustifyMethod, RenderableType
from rich.table import Table
from rich.text import Text

from samfit.harness.record.record import Record
from samfit.harness.report.kit.describe import millions
from samfit.harness.report.kit.select import Series
from samfit.units import GIB, MIB

MISSING = "–"
TEXT = {
    "method", "kind", "Cell", "exact levers", "figure", "category", "metric", "better", "module",
    "what it is", "at the peak", "adapter", "trains", "merges", "levers", "model", "task", "ended",
    "levers and settings", "source", "fewest levers", "measured by", "card", "no.", "why",
    "made by", "line", "read", "told",
}  # fmt: skip
"""Columns of words; all others are figures."""
NAME, BROKEN, GAP = 14, 8, 2  # columns of a terminal: for names, for broken words, between columns


class CaptionedTable(NamedTuple):
    """A frame of text cells with what stands above and below it; a terminal can print it."""

    frame: pd.DataFrame
    title: str
    caption: str = ""

    def to_markdown(self) -> str:
        """Title, table and caption as Markdown."""
        sides = [side(str(name)) for name in self.frame.columns]
        body = self.frame.to_markdown(index=False, colalign=sides, disable_numparse=True)
        return f"### {self.title}\n\n{body}\n\n{self.caption}\n"

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        """Figures are never broken; where there is little room, words stand in several lines."""
        cells = {str(name): [*map(str, column)] for name, column in self.frame.items()}
        table = Table(box=SIMPLE, show_edge=False, pad_edge=False, collapse_padding=True)
        for name, width in _widths(cells, options.max_width).items():
            table.add_column(name, justify=side(name), width=width, overflow="fold")
        for row in zip(*cells.values(), strict=True):
            table.add_row(*map(Text, row))  # brackets are no markup
        if self.title:
            yield Text(f"{self.title}\n", style="bold")
        yield table
        yield Text(f"\n{self.caption}\n" if self.caption else "", style="table.caption")


def side(column: str) -> JustifyMethod:
    """Words stand on the left, figures on the right."""
    return "left" if column in TEXT else "right"


def _widths(cells: dict[str, list[str]], room: int) -> dict[str, int]:
    """The width of each column, so that they fill no more than ``room`` if that can be done.

    Where room is short, headers stand in several lines, then words, then a spread below its mean;
    at last words are broken.
    """
    widths: dict[str, int] = {}
    least: dict[str, tuple[int, ...]] = {}
    for place, (name, column) in enumerate(cells.items()):
        lines = [line for cell in column for line in cell.split("\n")]
        whole = max(map(len, [*lines, *name.split()]))
        word = max(len(word) for line in lines for word in [*line.split(), ""])
        widths[name], least[name] = max(whole, len(name)), (whole,) * 4
        if name in TEXT:
            unbroken = max(word, NAME if place == 0 else 0)  # the first column names the rows
            least[name] = (whole, unbroken, unbroken, min(word, BROKEN))
        elif any("±" in cell for cell in column):
            least[name] = (whole, word + len(" ±"), word, word)
    room -= GAP * (len(cells) - 1)
    for stage in range(4):
        while sum(widths.values()) > room:
            wide = [name for name in least if widths[name] > least[name][stage]]
            if not wide:
                break
            widths[max(wide, key=widths.__getitem__)] -= 1
    return widths


def by_batch_size(methods: Sequence[Series], text: Callable[[Record], str]) -> pd.DataFrame:
    """One row a method, one column a batch size; ``text`` writes what a complete record holds."""
    batches = sorted({batch for series in methods for batch in series.by_batch()})
    rows = []
    for series in methods:
        found = series.by_batch()
        trained = [record.params.trainable for record in series.records if record.params]
        facts = {
            "method": series.label,
            "kind": series.kind or MISSING,
            "params, M": millions(trained[0]) if trained else MISSING,
        }
        rows.append(
            facts | {f"batch {batch}": outcome(found.get(batch), text) for batch in batches}
        )
    return pd.DataFrame(rows)


def outcome(record: Record | None, text: Callable[[Record], str]) -> str:
    """What ``text`` writes of a complete record; of any other how it ended."""
    if record is None:
        return MISSING
    if record.status == "ok":
        return text(record)
    return "OOM" if record.status == "oom" else record.status


def in_lines(name: str, after: str, columns: int) -> str:
    """A long name in several lines, broken only ``after`` a sign."""
    lines = [""]
    for part in re.split(f"(?<={re.escape(after)})", name):
        if lines[-1] and len(lines[-1] + part) > columns:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines)


def mib(nbytes: int | None, decimals: int = 0) -> str:
    """Bytes in MiB, without the unit; a dash for what is not known."""
    return MISSING if nbytes is None else f"{nbytes / MIB:,.{decimals}f}"


def decimals_for(nbytes: int) -> int:
    """Of MiB, so that they tell something of parts of so many bytes."""
    return 0 if nbytes >= GIB else 1 if nbytes >= MIB else 3

"""Tables for a terminal: who holds the peak, or by whom one Blame exceeds another."""

import re

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from samfit.harness.predict.answers import Blame
from samfit.harness.report.blame.answer import answer, difference_answer
from samfit.harness.report.blame.names import (
    category_words,
    heading,
    labels,
    module_words,
    source,
)
from samfit.harness.report.blame.rows import Row, few_rows
from samfit.harness.report.kit.describe import GIB, MIB
from samfit.harness.report.kit.terminal import plain_table
from samfit.harness.trace.trace import CATEGORIES

ROWS = "A row counts its modules and those of their parts that have no row of their own."
NAME_COLUMNS = 31  # longer names of modules are broken after a dot


def blame_summary(blame: Blame) -> RenderableType:
    """Who holds the peak, the largest first; the rows sum to it."""
    total = blame.peak_bytes
    decimals = _decimals(total)
    table = plain_table(escape(heading([blame])), f"{ROWS} {source([blame])}")
    _add_columns(table, "module", "what it is")
    for column, sum_ in (("MiB", _mib(total, decimals)), ("%", "100"), ("each, MiB", "")):
        table.add_column(column, justify="right", footer=sum_, no_wrap=True)
    for row in few_rows([blame]):
        share = f"{100 * row.weight / total:.1f}"
        table.add_row(*_names(row), _mib(row.weight, decimals), share, _each(row, decimals))
    return Group(table, Text(answer(blame)))


def difference_summary(one: Blame, other: Blame) -> RenderableType:
    """By which categories and modules ``one`` exceeds ``other``; each table sums to both peaks."""
    blames = [one, other]
    what = plain_table(escape(heading(blames)), "")
    what.caption = None
    where = plain_table("where it comes from", f"{ROWS} {source(blames)}")
    _add_columns(what, "what it is")
    _add_columns(where, "module", "what it is")
    rows = few_rows(blames)
    decimals = _decimals(sum(abs(row.weight) for row in rows))
    totals = _compared(one.peak_bytes, other.peak_bytes, decimals)
    for table in (what, where):
        for name, total in zip(_headers(blames), totals, strict=True):
            table.add_column(Text(name), justify="right", footer=total)
    ours, theirs = one.by_category(), other.by_category()
    for category in CATEGORIES:
        if ours[category] or theirs[category]:
            sizes = _compared(ours[category], theirs[category], decimals)
            what.add_row(category_words(category), *sizes)
    for row in rows:
        where.add_row(*_names(row), *_compared(row.nbytes[0], row.nbytes[1], decimals))
    return Group(what, where, Text(difference_answer(one, other)))


def _headers(blames: list[Blame]) -> tuple[str, str, str]:
    """The methods' titles if they are two, else their places in the heading."""
    one, other = (blame.record.cell.adapter for blame in blames)
    first, second = labels(blames) if one != other else ("first", "second")
    return first, second, "difference"


def _add_columns(table: Table, *names: str) -> None:
    """Columns of text, the first above the word sum."""
    table.show_footer = True
    for name in names:
        is_module = name == "module"
        table.add_column(name, footer="" if table.columns else "sum", no_wrap=is_module)


def _names(row: Row) -> tuple[str, str]:
    lines = [""]
    for part in re.findall(r"[^.]+\.?", module_words(row.module)):
        if lines[-1] and len(lines[-1] + part) > NAME_COLUMNS:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines), category_words(row.category)


def _each(row: Row, decimals: int) -> str:
    """How many modules a row counts, and the least and the most that one of them holds."""
    if len(row.members) < 2:
        return ""
    least, most = (_mib(nbytes, decimals) for nbytes in (min(row.members), max(row.members)))
    return f"{len(row.members)} × {least if least == most else f'{least}–{most}'}"


def _decimals(nbytes: int) -> int:
    """Of MiB, so that they tell something of so many bytes."""
    return 0 if nbytes >= GIB else 1 if nbytes >= MIB else 3


def _compared(ours: int, theirs: int, decimals: int) -> tuple[str, str, str]:
    difference = round((ours - theirs) / MIB, decimals)
    changed = f"{difference:+,.{decimals}f}" if difference else "0"
    return _mib(ours, decimals), _mib(theirs, decimals), changed


def _mib(nbytes: int, decimals: int) -> str:
    return f"{nbytes / MIB:,.{decimals}f}" if nbytes else "0"

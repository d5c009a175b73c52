"""Tables for a terminal: who holds the peak, or by whom one Blame exceeds another."""

from collections.abc import Sequence

import pandas as pd
from rich.console import Group, RenderableType
from rich.text import Text

from samfit.harness.memory.holders import Held
from samfit.harness.predict.answers import Blame
from samfit.harness.report.blame.rows import HolderRow, few_rows
from samfit.harness.report.blame.words import (
    NO_MODULE,
    answer,
    difference_answer,
    heading,
    labels,
    source,
)
from samfit.harness.report.kit.describe import in_words
from samfit.harness.report.kit.tables import CaptionedTable, decimals_for, in_lines, mib
from samfit.harness.trace.trace import CATEGORIES
from samfit.units import MIB

ROWS = "A row counts its modules and those of their parts that have no row of their own."
NAME_COLUMNS = 31  # longer names of modules are broken after a dot


def blame_summary(blame: Blame) -> RenderableType:
    """Who holds the peak, the largest first; the rows sum to it."""
    table = holders_table(blame, heading([blame]), f"{ROWS} {source([blame])}", within="sam.")
    return Group(table, Text(answer(blame)))


def holders_table(peak: Held, title: str, caption: str = ROWS, within: str = "") -> CaptionedTable:
    """Who holds a peak, the largest first; the rows sum to it. Names are ``within`` a module."""
    total = sum(holder.nbytes for holder in peak.holders)
    decimals = decimals_for(total)
    rows = [
        {
            **_names(row, within),
            "MiB": _mib(row.weight, decimals),
            "%": f"{100 * row.weight / total:.1f}",
            "each, MiB": _each(row, decimals),
        }
        for row in few_rows([peak])
    ]
    rows.append({"module": "sum", "what it is": "", "MiB": _mib(total, decimals), "%": "100"})
    return CaptionedTable(pd.DataFrame(rows).fillna(""), title, caption)


def difference_summary(one: Blame, other: Blame) -> RenderableType:
    """By which categories and modules ``one`` exceeds ``other``; each table sums to both peaks."""
    blames, rows = [one, other], few_rows([one, other])
    decimals = decimals_for(sum(abs(row.weight) for row in rows))

    def sizes(ours: int, theirs: int) -> dict[str, str]:
        difference = round((ours - theirs) / MIB, decimals)
        changed = f"{difference:+,.{decimals}f}" if difference else "0"
        texts = (_mib(ours, decimals), _mib(theirs, decimals), changed)
        return dict(zip(_headers(blames), texts, strict=True))

    total = sizes(one.peak_bytes, other.peak_bytes)
    ours, theirs = one.by_category(), other.by_category()
    what = [
        {"what it is": in_words(category), **sizes(ours[category], theirs[category])}
        for category in CATEGORIES
        if ours[category] or theirs[category]
    ]
    where = [{**_names(row, "sam."), **sizes(row.nbytes[0], row.nbytes[1])} for row in rows]
    what.append({"what it is": "sum", **total})
    where.append({"module": "sum", "what it is": "", **total})
    return Group(
        CaptionedTable(pd.DataFrame(what), heading(blames)),
        CaptionedTable(pd.DataFrame(where), "where it comes from", f"{ROWS} {source(blames)}"),
        Text(difference_answer(one, other)),
    )


def _headers(blames: Sequence[Blame]) -> tuple[str, str, str]:
    """The methods' titles if they are two, else their places in the heading."""
    one, other = (blame.record.cell.adapter for blame in blames)
    first, second = labels(blames) if one != other else ("first", "second")
    return f"{first}, MiB", f"{second}, MiB", "difference, MiB"


def _names(row: HolderRow, within: str) -> dict[str, str]:
    name = row.module.removeprefix(within) or NO_MODULE
    return {"module": in_lines(name, ".", NAME_COLUMNS), "what it is": in_words(row.category)}


def _each(row: HolderRow, decimals: int) -> str:
    """How many modules a row counts, and the least and the most that one of them holds."""
    if len(row.members) < 2:
        return ""
    least, most = (_mib(nbytes, decimals) for nbytes in (min(row.members), max(row.members)))
    return f"{len(row.members)} × {least if least == most else f'{least}–{most}'}"


def _mib(nbytes: int, decimals: int) -> str:
    return mib(nbytes, decimals) if nbytes else "0"

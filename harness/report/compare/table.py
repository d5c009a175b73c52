"""What changed between two runs, as a table."""

import math
from collections.abc import Sequence

import pandas as pd
from rich.console import RenderableType

from samfit.harness.record.changes import FEWEST, CellPair, Change, Comparison, Drift
from samfit.harness.record.record import Record
from samfit.harness.report.kit.describe import cell_names, machines, origin, versions
from samfit.harness.report.kit.tables import CaptionedTable
from samfit.units import MIB

FIGURES = {  # name, what it is divided by, decimals
    "peak_allocated_bytes": ("peak allocated, MiB", MIB, 1),
    "peak_reserved_bytes": ("peak reserved, MiB", MIB, 1),
    "trainable_parameters": ("trained parameters", 1, 0),
    "step_median_ms": ("step, ms", 1, 1),
}


def comparison_table(found: Comparison) -> CaptionedTable:
    """One row for each figure or status that changed.

    The change of a time is what remains beside that of most Cells, which has a row if it is one.
    """
    names = cell_names([*(pair.new for pair in found.pairs), *found.gone, *found.added])
    common = f"{found.drift.factor - 1:+.1%}"
    rows = [_row("most Cells", "step", "", "", common)] if found.drift.changed else []
    rows += [row for pair in found.changed for row in _rows(names[pair.key], pair)]
    rows += [_row(names[r.key], "status", r.status, "missing") for r in found.gone]
    rows += [_row(names[r.key], "status", "missing", r.status) for r in found.added]
    title = "What changed" if rows else "Nothing changed"
    return CaptionedTable(pd.DataFrame(rows), title, caption(found))


def comparison_summary(found: Comparison) -> RenderableType:
    """The table for a terminal; in words if it has no rows."""
    table = comparison_table(found)
    return f"{table.title}. {table.caption}" if table.frame.empty else table


def caption(found: Comparison) -> str:
    """How many Cells were compared, how it was decided, and what the runs were made with."""
    counts = f"Cells in both runs: {len(found.pairs)}, with times: {len(found.timed)}. "
    return f"{counts}{_decided(found.drift, len(found.timed))}{_origins(found)}"


def _decided(drift: Drift, timed: int) -> str:
    """What counts as a change."""
    exact = "Memory and parameters changed if they differ at all"
    margin = (
        f"by more than {math.expm1(drift.noise):.0%}, and by more than the noise of its own steps."
    )
    if timed < FEWEST:
        return f"{exact}; a time if the median step differs {margin}"
    return (
        f"{exact}. Steps of most Cells take {drift.factor:.2f} times as long as before, which the "
        "machine or shared code may cause; the time of a Cell changed if it differs from that "
        f"{margin}"
    )


def _origins(found: Comparison) -> str:
    """When and with which code both runs were made; if machine or versions differ, these."""
    if not found.pairs:
        return ""
    old, new = [pair.old for pair in found.pairs], [pair.new for pair in found.pairs]
    if (machine := _made_on(old)) != _made_on(new):
        return f" Machine or versions differ. Old: {machine}. New: {_made_on(new)}."
    return f" Old: {origin(old)}. New: {origin(new)}."


def _made_on(records: Sequence[Record]) -> str:
    return f"{machines(records)}, {versions(records)}"


def _rows(name: str, pair: CellPair) -> list[dict[str, str]]:
    rows = [_figure(name, change) for change in (*pair.memory, *pair.parameters, *pair.time)]
    if pair.status_changed:
        rows.insert(0, _row(name, "status", pair.old.status, pair.new.status))
    return rows


def _figure(name: str, change: Change) -> dict[str, str]:
    figure, unit, decimals = FIGURES[change.figure]
    old, new = (f"{value / unit:,.{decimals}f}" for value in (change.old, change.new))
    return _row(name, figure, old, new, f"{change.growth:+.1%}")


def _row(name: str, figure: str, old: str, new: str, change: str = "") -> dict[str, str]:
    return {"Cell": name, "figure": figure, "old": old, "new": new, "change": change}

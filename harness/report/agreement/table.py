"""How far predictions are off: the table and the plot of ``samfit validate``, and its verdict."""

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import pandas as pd

from samfit.harness.record.record import Record
from samfit.harness.report.agreement.pairs import AgreementPair, pairs
from samfit.harness.report.agreement.plot import agreement
from samfit.harness.report.kit.describe import (
    describe_memory,
    footnote,
    in_words,
    method_title,
    origin,
    pulled,
    versions,
)
from samfit.harness.report.kit.picture import pictures, write_files
from samfit.harness.report.kit.select import Shown, series_of
from samfit.harness.report.kit.tables import CaptionedTable, mib

# What samfit promises, as shares of what was measured.
LIMITS = {
    "median_allocated_error": 0.01,
    "worst_allocated_error": 0.03,
    "worst_reserved_error": 0.05,
}
TITLE = "Predicted against measured memory of one step, MiB"
ERRORS = (
    "Peaks of PyTorch's allocator, allocated (alloc.) and reserved. The error is "
    "(predicted - measured) / measured. "
)


def agreement_table(shown: Shown) -> CaptionedTable | None:
    """Memory of each Cell that was predicted and measured on CUDA, and the prediction's error.

    It shows methods as the table of memory does; None where no Cell was both.
    """
    predicted = [record for record in shown.records if record.source == "predicted"]
    found = {pair.measured.key: pair for pair in pairs([*predicted, *shown.measured])}
    if not found:
        return None
    measured = [pair.measured for pair in found.values()]
    rows = [
        {"method": series.label, "batch": str(batch), **found[record.key].figures()}
        for series in series_of([record for pair in found.values() for record in pair])
        for batch, record in series.by_batch("measured-cuda").items()
    ]
    caption = f"{ERRORS}Source: {describe_memory(measured)}; "
    return CaptionedTable(pd.DataFrame(rows), TITLE, f"{caption}{origin(measured)}.")


def validation_table(records: Sequence[Record]) -> CaptionedTable:
    """Each Cell that was both predicted and measured, the largest error of allocated memory first.

    ``records`` are of one machine and one run's code, and hold at least one such Cell.
    """
    found = sorted(pairs(records), key=lambda pair: -abs(pair.allocated_error))
    rows = [{**_names(pair), **pair.figures()} for pair in found]
    return CaptionedTable(pd.DataFrame(rows), TITLE, _caption(records, found))


def worst_cases(records: Sequence[Record]) -> list[CaptionedTable]:
    """For each Cell whose error exceeds the limit, what fills the memory at either peak."""
    limit = LIMITS["worst_allocated_error"]
    far_off = [pair for pair in pairs(records) if abs(pair.allocated_error) > limit]
    far_off.sort(key=lambda pair: -abs(pair.allocated_error))
    return [_breakdown(pair) for pair in far_off]


def figures(records: Sequence[Record]) -> dict[str, Any]:
    """Errors and the limits that they miss, as JSON values; errors are shares of what was measured.

    ``missed`` is empty where predictions keep samfit's promise; None stands for what is unknown.
    Predictions that assume something of the data, and say so, are shown but promise nothing.
    """
    found = [pair for pair in pairs(records) if pair.predicted.assumption is None]
    allocated = [abs(pair.allocated_error) for pair in found]
    reserved = [abs(e) for pair in found if (e := pair.reserved_error) is not None]
    errors = {
        "median_allocated_error": median(allocated) if allocated else None,
        "worst_allocated_error": max(allocated, default=None),
        "median_reserved_error": median(reserved) if reserved else None,
        "worst_reserved_error": max(reserved, default=None),
    }
    missed = [
        f"{in_words(name)} {error:.2%} (limit {limit:.0%})"
        for name, limit in LIMITS.items()
        if (error := errors[name]) is not None and error > limit
    ]
    return {"cells": len(found), **errors, "limits": LIMITS, "missed": missed}


def write_validation(records: Sequence[Record], folder: Path) -> list[Path]:
    """Write the tables as Markdown and the plot as PNG and SVG; a file appears as a whole.

    Raises:
        UserError: if ``folder`` cannot be written.
    """
    tables = [validation_table(records), *worst_cases(records)]
    contents = {"table.md": "\n".join(table.to_markdown() for table in tables).encode()}
    figure = agreement(pairs(records), _machine(records))
    return write_files(contents | pictures("agreement", figure), folder)


def _names(pair: AgreementPair) -> dict[str, str]:
    cell = pair.measured.cell
    parts = [f"batch {cell.batch_size}", *pulled(cell)]
    return {"method": method_title(pair.measured), "Cell": ", ".join(parts)}


def _caption(records: Sequence[Record], found: Sequence[AgreementPair]) -> str:
    numbers = figures(records)
    sentences = [f"{numbers['cells']} Cells, {found[0].measured.cell.backbone}. {ERRORS}"]
    for what in ("allocated", "reserved"):
        half, worst = (numbers[f"{which}_{what}_error"] for which in ("median", "worst"))
        if worst is not None:
            sentences.append(f"Errors of {what} memory: median {half:.2%}, worst {worst:.2%}. ")
    failed = [r for r in records if r.source != "predicted" and r.status != "ok"]
    if failed:
        missing = ", ".join(f"{r.key} ({r.status})" for r in failed)
        sentences.append(f"Not measured: {missing}. ")
    sentences.append(footnote([pair.predicted for pair in found]))
    return f"{''.join(sentences)}Source: {_machine(records)}."


def _machine(records: Sequence[Record]) -> str:
    """What the records were measured on and with, and when."""
    measured = [pair.measured for pair in pairs(records)]
    here = measured[-1].environment
    card = here.get("gpu")
    where = card or here.get("cpu") or "a CPU"
    if card:
        where += f", compute capability {here.get('gpu_capability')}, driver {here.get('driver')}"
    return f"measured on {where}; {versions(measured)}; {origin(measured)}"


def _breakdown(pair: AgreementPair) -> CaptionedTable:
    """Categories at the peak, predicted and measured: what the trace of the real step found."""
    ours, theirs = (memory.breakdown_bytes or {} for memory in pair.memories)
    rows = [
        (in_words(name), mib(ours.get(name), 1), mib(theirs.get(name), 1))
        for name in dict.fromkeys([*ours, *theirs])
        if ours.get(name) or theirs.get(name)
    ]
    frame = pd.DataFrame(rows, columns=["category", "predicted", "measured"])
    moments = (
        f"{which} in {memory.peak_phase}, {memory.peak_module or 'outside of modules'}"
        for which, memory in zip(("predicted", "measured"), pair.memories, strict=True)
    )
    title = f"{', '.join(_names(pair).values())}: {pair.allocated_error:+.1%}, MiB at the peak"
    return CaptionedTable(frame, title, f"The peak is {'; '.join(moments)}.")

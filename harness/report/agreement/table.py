"""How far figures are off: the tables and the files of ``samfit validate``."""

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import pandas as pd

from samfit.harness.record.cell import Cell
from samfit.harness.record.lever import as_options
from samfit.harness.report.agreement.agreement import Agreement, errors_of
from samfit.harness.report.agreement.pairs import (
    MEASURED,
    AgreementPair,
    Words,
    percent,
    predicted_and_measured,
)
from samfit.harness.report.agreement.plot import agreement_plot
from samfit.harness.report.kit.describe import (
    describe_memory,
    footnote,
    in_words,
    method_title,
    origin,
)
from samfit.harness.report.kit.picture import pictures, write_files
from samfit.harness.report.kit.select import Shown, series_of
from samfit.harness.report.kit.tables import MISSING, CaptionedTable, mib

PEAKS = (
    "Peaks of PyTorch's allocator, allocated (alloc.) and reserved. The error is "
    "({0} - {1}) / {1}. "
)

# The kinds of Cells whose errors are told apart, each if there are several of it.
KINDS: tuple[Callable[[AgreementPair], str], ...] = (
    lambda pair: f"compute capability {pair.cell.compute_capability}",
    lambda pair: pair.cell.backbone,
    lambda pair: pair.cell.precision,
    lambda pair: f"{pair.cell.attention} attention",
    lambda pair: f"batch {pair.cell.batch_size}",
)


def agreement_table(shown: Shown) -> CaptionedTable | None:
    """Memory of each Cell that was predicted and measured on CUDA, and the prediction's error.

    It shows methods as the table of memory does; None where no Cell was both.
    """
    predicted = [record for record in shown.records if record.source == "predicted"]
    pairs = predicted_and_measured([*predicted, *shown.measured])
    found = {pair.reference.key: pair for pair in pairs}
    if not found:
        return None
    measured = [pair.reference for pair in found.values()]
    rows = [
        {"method": series.label, "batch": str(batch), **found[record.key].figures(MEASURED)}
        for series in series_of([record for pair in found.values() for record in pair])
        for batch, record in series.by_batch("measured-cuda").items()
    ]
    caption = f"{PEAKS.format(*MEASURED)}Source: {describe_memory(measured)}; {origin(measured)}."
    return CaptionedTable(pd.DataFrame(rows), _title(MEASURED), caption)


def validation_table(found: Agreement) -> CaptionedTable:
    """Each Cell of ``found``, the largest error of allocated memory first."""
    pairs = sorted(found.pairs, key=lambda pair: -abs(pair.allocated_error))
    rows = [{**_names(found, pair), **pair.figures(found.words)} for pair in pairs]
    caption = f"{PEAKS.format(*found.words)}Source: {found.source}."
    return CaptionedTable(pd.DataFrame(rows), _title(found.words), caption)


def summary_table(found: Agreement) -> CaptionedTable:
    """The errors of all Cells, then of those of each kind and of each method.

    The caption names Cells whose errors exceed a limit, and those without a peak.
    """
    groups = {"all": list(found.pairs)}
    for kind in KINDS:
        named = _grouped(found, kind)
        groups |= named if len(named) > 1 else {}
    groups |= _grouped(found, lambda pair: method_title(pair.reference))
    rows = []
    for name, pairs in groups.items():
        count, *errors = errors_of(pairs).values()
        columns = ("alloc. median", "alloc. worst", "reserved median", "reserved worst")
        texts = [MISSING if error is None else f"{error:.2%}" for error in errors]
        rows.append({"kind": name, "Cells": f"{count}", **dict(zip(columns, texts, strict=True))})
    title = f"Errors of {found.words.claim} against {found.words.reference} memory"
    return CaptionedTable(pd.DataFrame(rows), title, _caption(found))


def worst_cases(found: Agreement) -> list[CaptionedTable]:
    """For each Cell whose error exceeds the limit, what fills the memory at either peak."""
    return [_breakdown(found, pair) for pair in found.beyond("allocated")]


def write_validation(found: Agreement, folder: Path) -> list[Path]:
    """Write tables as Markdown, figures as CSV and the plot as PNG and SVG, each file as a whole.

    Their names are that of the reference: two kinds of comparison lie beside each other.

    Raises:
        UserError: if ``folder`` cannot be written.
    """
    tables = [summary_table(found), validation_table(found), *worst_cases(found)]
    name = found.words.reference
    contents = {
        f"{name}.md": "\n".join(table.to_markdown() for table in tables).encode(),
        f"{name}.csv": figures_frame(found).to_csv(index=False, lineterminator="\n").encode(),
    }
    return write_files(contents | pictures(name, agreement_plot(found)), folder)


def figures_frame(found: Agreement) -> pd.DataFrame:
    """The bytes of each Cell, and the command that predicts it."""
    claim, reference = found.words
    rows = []
    for pair in found.pairs:
        ours, theirs = pair.memories
        rows.append({
            "command": command_of(pair.cell),
            f"{claim}_allocated_bytes": ours.peak_allocated_bytes,
            f"{reference}_allocated_bytes": theirs.peak_allocated_bytes,
            f"{claim}_reserved_bytes": ours.peak_reserved_bytes,
            f"{reference}_reserved_bytes": theirs.peak_reserved_bytes,
        })  # fmt: skip
    return pd.DataFrame(rows).convert_dtypes()


def command_of(cell: Cell) -> str:
    """How to ask for a prediction of ``cell``, on a command line."""
    default = Cell(adapter=cell.adapter)
    plain = replace(default, backbone=cell.backbone, image_size=0, attention="")
    given = {} if cell.backbone == default.backbone else {"backbone": cell.backbone}
    for each in fields(Cell):
        value = getattr(cell, each.name)
        if each.name != "settings" and value != getattr(plain, each.name):
            given[each.name] = value
    return f"samfit predict {cell.adapter} {as_options(cell.settings, given)}".strip()


def _title(words: Words) -> str:
    return f"{words.claim.capitalize()} against {words.reference} memory of one step, MiB"


def _grouped(
    found: Agreement, name: Callable[[AgreementPair], str]
) -> dict[str, list[AgreementPair]]:
    groups: dict[str, list[AgreementPair]] = {}
    for pair in found.pairs:
        groups.setdefault(name(pair), []).append(pair)
    return groups


def _names(found: Agreement, pair: AgreementPair) -> dict[str, str]:
    details = [f"batch {pair.cell.batch_size}", *found.details(pair.cell)]
    return {"method": method_title(pair.reference), "Cell": ", ".join(details)}


def _caption(found: Agreement) -> str:
    numbers = found.figures()
    backbones = " and ".join(dict.fromkeys(pair.cell.backbone for pair in found.pairs))
    sentences = [f"{numbers['cells']} Cells, {backbones}. {PEAKS.format(*found.words)}"]
    for what in ("allocated", "reserved"):
        half, worst = (numbers[f"{which}_{what}_error"] for which in ("median", "worst"))
        if worst is not None:
            sentences.append(f"Errors of {what} memory: median {half:.2%}, worst {worst:.2%}. ")
        sentences += _too_far_off(found, what)
    if found.failed:
        missing = ", ".join(f"{record.key} ({record.status})" for record in found.failed)
        sentences.append(f"Without a peak: {missing}. ")
    sentences.append(footnote([pair.claim for pair in found.pairs]))
    return f"{''.join(sentences)}Source: {found.source}."


def _too_far_off(found: Agreement, what: str) -> list[str]:
    """A sentence that names each Cell whose error of ``what`` is beyond its limit."""
    names = [
        f"{', '.join(_names(found, pair).values())} ({percent(getattr(pair, f'{what}_error'))})"
        for pair in found.beyond(what)
    ]
    limit = 100 * found.limits[f"worst_{what}_error"]
    return [f"Beyond {limit:g}%: {'; '.join(names)}. "] if names else []


def _breakdown(found: Agreement, pair: AgreementPair) -> CaptionedTable:
    """Categories at the peak, as either record has them."""
    ours, theirs = (memory.breakdown_bytes or {} for memory in pair.memories)
    rows = [
        (in_words(name), mib(ours.get(name), 1), mib(theirs.get(name), 1))
        for name in dict.fromkeys([*ours, *theirs])
        if ours.get(name) or theirs.get(name)
    ]
    frame = pd.DataFrame(rows, columns=["category", *found.words])
    moments = (
        f"{which} in {memory.peak_phase}, {memory.peak_module or 'outside of modules'}"
        for which, memory in zip(found.words, pair.memories, strict=True)
    )
    names = ", ".join(_names(found, pair).values())
    title = f"{names}: {percent(pair.allocated_error)}, MiB at the peak"
    return CaptionedTable(frame, title, f"The peak is {'; '.join(moments)}.")

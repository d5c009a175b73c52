"""One record in a terminal: what ``samfit predict`` and ``measure`` show."""

import pandas as pd
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from samfit.harness.memory.figures import Memory
from samfit.harness.record.record import Record, Timing
from samfit.harness.report.kit.describe import in_words, without_units
from samfit.harness.report.kit.tables import CaptionedTable, mib


def record_summary(record: Record) -> RenderableType:
    """One record: memory with its breakdown, parameters, and times where there are any."""
    assert record.method and record.params and record.memory and record.compute
    memory = record.memory
    flow = "serial: gradients flow through the image encoder" if record.method.serial else (
        "parallel: no gradients through the image encoder"
    )  # fmt: skip
    slow = without_units(record.cell, record.cell.compute_capability)
    facts = Table.grid(padding=(0, 2))
    for name, value in (
        ("method", f"{record.method.title}, {flow}"),
        ("what ran", record.traced or ""),
        ("source", f"{record.source} ({memory.instrument})"),
        *([("assumes", record.assumption)] if record.assumption else []),
        *([("slow", slow)] if slow else []),
        ("trainable", f"{record.params.trainable:,} of {record.params.total:,} parameters"),
        *_memory_facts(memory),
        *_timing_facts(record.timing),
        ("compute", f"{record.compute.flops_per_image / 1e9:,.0f} GFLOP per image"),
    ):
        facts.add_row(Text(name, style="bold"), value)
    return Group(Text(record.cell.key, style="bold"), facts, "", _breakdown(memory))


def _breakdown(memory: Memory) -> CaptionedTable:
    """Bytes by category at the peak; they sum to it."""
    parts = {name: nbytes for name, nbytes in (memory.breakdown_bytes or {}).items() if nbytes}
    rows = [
        {"at the peak": in_words(name), "MiB": mib(nbytes, 1)}
        for name, nbytes in {**parts, "sum": memory.peak_allocated_bytes}.items()
    ]
    return CaptionedTable(pd.DataFrame(rows), "")


def _memory_facts(memory: Memory) -> list[tuple[str, str]]:
    facts = [("peak allocated", f"{mib(memory.peak_allocated_bytes, 1)} MiB")]
    if memory.peak_reserved_bytes is not None:
        lost = mib(memory.peak_reserved_bytes - memory.peak_allocated_bytes, 1)
        reserved = f"{mib(memory.peak_reserved_bytes, 1)} MiB, {lost} of them in fragments"
        facts.append(("peak reserved", reserved))
    if memory.process_bytes is not None:
        about = "" if memory.instrument == "cuda" else "about "
        facts.append(("in nvidia-smi", f"{about}{mib(memory.process_bytes)} MiB"))
    if memory.other_processes_bytes:
        facts.append(("others on the card", f"{mib(memory.other_processes_bytes, 1)} MiB"))
    if memory.unknown:
        facts.append(("not known", "; ".join(memory.unknown)))
    facts.append(("peak at", f"{memory.peak_phase}, {memory.peak_module or 'outside of modules'}"))
    return facts


def _timing_facts(timing: Timing) -> list[tuple[str, str]]:
    if timing.step_ms is None:
        return []
    spread = timing.step_ms
    step = f"{spread.median:,.1f} ms (p10 {spread.p10:,.1f}, p90 {spread.p90:,.1f}, n = {spread.n})"
    stability = "" if timing.stable else "; unstable: the spread exceeds a tenth of the median"
    return [("step", step + stability), ("throughput", f"{timing.images_per_second:,.2f} images/s")]

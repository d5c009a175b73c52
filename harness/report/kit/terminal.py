"""How tables look in a terminal, and what ``samfit list``, ``predict`` and ``measure`` show."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from samfit.harness.memory.figures import Memory
from samfit.harness.record.record import Record, Timing
from samfit.harness.report.kit.describe import millions

MIB = 2**20

TRAITS_CAPTION = (
    "serial: gradients flow through the frozen image encoder, whose activations are kept; "
    "parallel: they do not. merges: whether, once trained, it can become part of SAM's own "
    "weights. levers: options that save memory without changing what the method computes."
)
PARAMETERS_CAPTION = "For each backbone: of the adapter alone, and of all that is trained with it."


def plain_table(title: str, caption: str) -> Table:
    """A table that is yet empty; its columns may take all the width of the terminal."""
    return Table(
        title=f"{title}\n", caption=f"\n{caption}\n", caption_justify="left", box=SIMPLE,
        show_edge=False, pad_edge=False, collapse_padding=True,
    )  # fmt: skip


def record_summary(record: Record) -> RenderableType:
    """One record: memory with its breakdown, parameters, and times where there are any."""
    assert record.method and record.params and record.memory and record.compute
    memory = record.memory
    flow = "serial: gradients flow through the image encoder" if record.method.serial else (
        "parallel: no gradients through the image encoder"
    )  # fmt: skip
    facts = Table.grid(padding=(0, 2))
    for name, value in (
        ("method", f"{record.method.title}, {flow}"),
        ("what ran", record.traced or ""),
        ("source", f"{record.source} ({memory.instrument})"),
        *([("assumes", record.assumption)] if record.assumption else []),
        ("trainable", f"{record.params.trainable:,} of {record.params.total:,} parameters"),
        *_memory_facts(memory),
        *_timing_facts(record.timing),
        ("compute", f"{record.compute.flops_per_image / 1e9:,.0f} GFLOP per image"),
    ):
        facts.add_row(Text(name, style="bold"), value)
    return Group(Text(record.cell.key, style="bold"), facts, breakdown_table(memory))


def breakdown_table(memory: Memory) -> Table:
    """Bytes by category at the peak; they sum to it."""
    table = Table("at the peak", title=None, show_footer=True)
    table.columns[0].footer = "sum"
    table.add_column("MiB", justify="right", footer=f"{memory.peak_allocated_bytes / MIB:,.1f}")
    for category, nbytes in (memory.breakdown_bytes or {}).items():
        if nbytes:
            table.add_row(category.replace("_", " "), f"{nbytes / MIB:,.1f}")
    return table


def catalogue_table(entries: Sequence[Mapping[str, Any]]) -> RenderableType:
    """The adapters: what they are and can do, and below it how many parameters they have."""
    return Group(_traits_table(entries), _parameters_table(entries))


def _traits_table(entries: Sequence[Mapping[str, Any]]) -> Table:
    table = plain_table("adapters", TRAITS_CAPTION)
    for name in ("adapter", "kind", "trains", "merges", "levers"):
        table.add_column(name)
    for entry in entries:
        table.add_row(
            f"[bold]{entry['name']}[/]\n{entry['source']}",
            "serial" if entry["serial"] else "parallel",
            "\n".join(entry["trains"]),
            "yes" if entry["mergeable"] else "no",
            "\n".join(entry["levers"]),
        )
    return table


def _parameters_table(entries: Sequence[Mapping[str, Any]]) -> Table:
    """Two numbers a backbone, the second of which are aligned, too."""
    table = plain_table("millions of parameters", PARAMETERS_CAPTION)
    table.add_column("adapter")
    columns = []
    for backbone in entries[0]["params"]:
        counts = [entry["params"][backbone] for entry in entries]
        trained = [millions(count["trainable"]) for count in counts]
        width = max(map(len, trained))
        alone = [millions(count["adapter"]) for count in counts]
        columns.append([f"{a} {t:>{width}}" for a, t in zip(alone, trained, strict=True)])
        table.add_column(backbone, justify="right")
    for entry, *cells in zip(entries, *columns, strict=True):
        table.add_row(f"[bold]{entry['name']}[/]", *cells)
    return table


def _memory_facts(memory: Memory) -> list[tuple[str, str]]:
    facts = [("peak allocated", f"{memory.peak_allocated_bytes / MIB:,.1f} MiB")]
    if memory.peak_reserved_bytes is not None:
        lost = (memory.peak_reserved_bytes - memory.peak_allocated_bytes) / MIB
        reserved = f"{memory.peak_reserved_bytes / MIB:,.1f} MiB, {lost:,.1f} of them in fragments"
        facts.append(("peak reserved", reserved))
    if memory.process_bytes is not None:
        about = "" if memory.instrument == "cuda" else "about "
        facts.append(("in nvidia-smi", f"{about}{memory.process_bytes / MIB:,.0f} MiB"))
    if memory.other_processes_bytes:
        facts.append(("others on the card", f"{memory.other_processes_bytes / MIB:,.1f} MiB"))
    facts.append(("peak at", f"{memory.peak_phase}, {memory.peak_module or 'outside of modules'}"))
    return facts


def _timing_facts(timing: Timing) -> list[tuple[str, str]]:
    if timing.step_ms is None:
        return []
    spread = timing.step_ms
    step = f"{spread.median:,.1f} ms (p10 {spread.p10:,.1f}, p90 {spread.p90:,.1f}, n = {spread.n})"
    stability = "" if timing.stable else "; unstable: the spread exceeds a tenth of the median"
    return [("step", step + stability), ("throughput", f"{timing.images_per_second:,.2f} images/s")]

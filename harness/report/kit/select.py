"""Which records belong in one table or plot, and how each method is called there."""

import dataclasses
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from samfit.harness.memory.figures import Memory
from samfit.harness.record.cell import Cell, defaults_of
from samfit.harness.record.lever import changed_fields
from samfit.harness.record.record import Record

MEMORY_SOURCES = ("predicted", "measured-cuda", "measured-cpu")  # the preferred one first
TIME_SOURCES = ("measured-cuda", "measured-cpu")
MARK = "†"  # behind the names of methods whose predictions rest on an assumption

# Records that differ in one of these are never compared: they go to different tables and plots.
COMPARABLE = ("backbone", "image_size", "phase", "device")
# A difference in any other field of the Cell is a variant of a method, which its label names.
NOT_A_VARIANT = {
    "adapter", "settings", "batch_size", "seed", "checkpoint", "task", "recipe", *COMPARABLE,
}  # fmt: skip
VARIANT_FIELDS = [f.name for f in dataclasses.fields(Cell) if f.name not in NOT_A_VARIANT]


@dataclass(frozen=True, kw_only=True)
class Series:
    """The records of one method, or of one variant of it.

    Attributes:
        adapter: its registered name.
        label: its title, with the settings in which this variant differs, and ``MARK`` where its
            predictions rest on an assumption.
        serial: as in ``record.Method``; None where no record tells.
        records: at least one.
    """

    adapter: str
    label: str
    serial: bool | None
    records: tuple[Record, ...]

    @property
    def kind(self) -> str:
        """``serial``, ``parallel`` or, where no record tells, an empty string."""
        return "" if self.serial is None else "serial" if self.serial else "parallel"

    def by_batch(self, *sources: str) -> dict[int, Record]:
        """The last record of each batch size, smallest first, from ``sources`` or from any."""
        found = {r.cell.batch_size: r for r in self.records if not sources or r.source in sources}
        return dict(sorted(found.items()))


def is_as_published(cell: Cell) -> bool:
    """Whether no lever is used; a report's tables and plots show such Cells where there are any.

    Records of others have a table and a plot of their own, in report/levers.

    A method's own lean form is a setting like others: alone it makes a variant.
    """
    return not changed_fields(cell)


def is_scored(cell: Cell) -> bool:
    """Whether the Cell asks for accuracy, which has tables and plots of its own."""
    return bool(cell.task)


def has_memory(record: Record) -> bool:
    """Whether the record is complete and holds a peak."""
    return record.status == "ok" and record.memory is not None


def memory_of(record: Record) -> Memory:
    """What a record with a peak holds."""
    assert record.memory is not None
    return record.memory


def has_times(record: Record) -> bool:
    """Whether the record is complete and holds times of the step."""
    return record.status == "ok" and record.timing.step_ms is not None


class Shown(NamedTuple):
    """What tables and plots of memory show.

    Attributes:
        records: those that ``memory_records`` chooses, at least one.
        measured: where these are predictions, what was measured on CUDA, on one card, in the same
            conditions.
    """

    records: list[Record]
    measured: list[Record]


def shown_memory(records: Sequence[Record]) -> Shown | None:
    """What of ``records`` a report shows about memory; None if no record holds a peak."""
    chosen = memory_records(records)
    fields = {_comparable(record) for record in chosen if record.source == "predicted"}
    alike = [record for record in records if _comparable(record) in fields]
    return Shown(chosen, _main_group(alike, ("measured-cuda",), has_memory)) if chosen else None


def memory_records(records: Iterable[Record]) -> list[Record]:
    """The records whose memory a report shows.

    Methods as published before methods with levers, training before inference, predictions before
    measurements, then the backbone, image size and device with the most records; empty if no record
    holds a peak.
    """
    return _main_group(records, MEMORY_SOURCES, has_memory)


def time_records(records: Iterable[Record]) -> list[Record]:
    """The records whose times a report shows: as ``memory_records``, but CUDA before the CPU."""
    return _main_group(records, TIME_SOURCES, has_times)


def usual_batch_size(sizes: Sequence[int], preferred: int = 4) -> int:
    """The batch size at which to compare methods: the preferred, else the most frequent."""
    return preferred if preferred in sizes else max(sorted(set(sizes)), key=sizes.count)


def at_batch_size(records: Sequence[Record]) -> list[Record]:
    """The records with a peak of the usual batch size."""
    complete = [record for record in records if has_memory(record)]
    if not complete:
        return []
    chosen = usual_batch_size([record.cell.batch_size for record in complete])
    return [record for record in complete if record.cell.batch_size == chosen]


def varying_fields(records: Sequence[Record], fields: Iterable[str] = VARIANT_FIELDS) -> list[str]:
    """Those of ``fields`` of the Cell in which ``records`` differ."""
    return [name for name in fields if len({getattr(r.cell, name) for r in records}) > 1]


def series_of(records: Sequence[Record]) -> list[Series]:
    """``records`` by method and variant, in order of first appearance."""
    varying = varying_fields(records)
    methods = {record.cell.adapter: record.method for record in records if record.method}
    assuming = {record.cell.adapter for record in records if record.assumption}
    grouped: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        adapter = record.cell.adapter
        title = methods[adapter].title if adapter in methods else adapter
        mark = MARK if adapter in assuming else ""
        label = title + variant(record.cell, varying) + mark
        grouped.setdefault((adapter, label), []).append(record)
    serial = {adapter: method.serial for adapter, method in methods.items()}
    return [
        Series(adapter=name, label=label, serial=serial.get(name), records=tuple(members))
        for (name, label), members in grouped.items()
    ]


def times_parallel(shown: Sequence[Series], sizes: Sequence[float]) -> float | None:
    """How many times the size of any parallel method every serial one has at least.

    ``sizes`` are those of ``shown``. None where some serial method is no larger than a parallel
    one, or where one kind is missing.
    """
    serial, parallel = (
        [size for series, size in zip(shown, sizes, strict=True) if series.serial is kind]
        for kind in (True, False)
    )
    if not serial or not parallel or min(serial) <= max(parallel):
        return None
    return math.floor(10 * min(serial) / max(parallel)) / 10  # rounded up it would be wrong


def variant(cell: Cell, varying: Iterable[str]) -> str:
    """What distinguishes this Cell's method in a label, in brackets, or nothing.

    Of the ``varying`` fields it names those that are not at the default of a method's variants.
    """
    changed, defaults = dict(cell.settings), defaults_of(cell.backbone)
    for name in varying:
        value = getattr(cell, name)
        if name not in VARIANT_FIELDS or value != defaults[name]:
            changed[name] = value
    text = ", ".join(f"{name}={value}" for name, value in changed.items())
    return f" ({text})" if text else ""


def _main_group(
    records: Iterable[Record], sources: Sequence[str], is_complete: Callable[[Record], bool]
) -> list[Record]:
    groups: dict[tuple[Any, ...], list[Record]] = {}
    for record in records:
        if record.source in sources and not is_scored(record.cell):
            key = (record.source, machine_of(record), *_comparable(record))
            groups.setdefault(key, []).append(record)

    def rank(group: list[Record]) -> tuple[bool, bool, int, int]:
        first, complete = group[0], sum(map(is_complete, group))
        published, training = is_as_published(first.cell), first.cell.phase == "train"
        return (published, training, -sources.index(first.source), complete)

    filled = [group for group in groups.values() if any(map(is_complete, group))]
    return max(filled, key=rank, default=[])


def _comparable(record: Record) -> tuple[Any, ...]:
    fields = (getattr(record.cell, name) for name in COMPARABLE)
    return (is_as_published(record.cell), *fields)


def machine_of(record: Record) -> tuple[Any, ...]:
    """What a measurement depends on beside the Cell; a prediction is the same everywhere."""
    names = {"measured-cuda": ("gpu",), "measured-cpu": ("cpu", "cpu_threads")}
    return tuple(record.environment.get(name) for name in names.get(record.source, ()))

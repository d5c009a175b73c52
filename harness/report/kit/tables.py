"""Records as tables: every record in one flat frame, and methods against batch sizes."""

import dataclasses
import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import pandas as pd
from rich.console import JustifyMethod
from rich.table import Table
from rich.text import Text

from samfit.harness.metrics import METRICS
from samfit.harness.record.cell import Cell
from samfit.harness.record.record import Record
from samfit.harness.report.kit.describe import (
    MIB,
    assumptions,
    describe_memory,
    describe_times,
    millions,
    origin,
    short_number,
    step_name,
)
from samfit.harness.report.kit.select import (
    Series,
    has_memory,
    memory_records,
    series_of,
    time_records,
)
from samfit.harness.report.kit.terminal import plain_table

MISSING = "–"
SHORTEST_NAME = 14  # the width below which names are not squeezed
NAME_BESIDE_SPREADS = 18  # the width of names where other columns wrap
NAMES = {"method", "Cell", "exact levers"}  # columns of text that may wrap in a terminal
TEXT = {*NAMES, "kind", "category", "figure"}  # columns of text; all others are numbers

Column = Callable[[Record], Any]


class CaptionedTable(NamedTuple):
    """A frame of text cells with what stands above and below it."""

    frame: pd.DataFrame
    title: str
    caption: str

    def to_markdown(self) -> str:
        """Title, table and caption as Markdown."""
        if self.frame.empty:
            return f"### {self.title}\n\n{self.caption}\n"
        sides = [_side(name) for name in self.frame.columns]
        body = self.frame.to_markdown(index=False, colalign=sides, disable_numparse=True)
        return f"### {self.title}\n\n{body}\n\n{self.caption}\n"


def _of(part: str, name: str, per: float = 1) -> Column:
    """The field ``name`` of a record's ``part``, over ``per``; None where there is no such part."""

    def value(record: Record) -> Any:
        owner: Any = record
        for step in part.split("."):
            owner = getattr(owner, step, None)
        found = getattr(owner, name, None)
        return found if found is None or per == 1 else found / per

    return value


def _score(metric: str) -> Column:
    """A score on test images; None where there is none."""
    return lambda record: record.accuracy and record.accuracy.scores.get(metric, [None])[0]


def _recipe(record: Record) -> str | None:
    recipe = record.cell.recipe
    return json.dumps(dataclasses.asdict(recipe)) if recipe else None


WITH_UNIT = {"image_size": "image_size_pixels"}
SCORES = [name for name in METRICS if name != "iou_class"]  # classes differ from task to task

COLUMNS: dict[str, Column] = {
    "source": lambda record: record.source,
    **{WITH_UNIT.get(f.name, f.name): _of("cell", f.name) for f in dataclasses.fields(Cell)},
    "settings": lambda record: json.dumps(dict(record.cell.settings)),
    "recipe": _recipe,
    "title": _of("method", "title"),
    "serial": _of("method", "serial"),
    "status": lambda record: record.status,
    "trainable_parameters": _of("params", "trainable"),
    "adapter_parameters": _of("params", "adapter"),
    "peak_allocated_mib": _of("memory", "peak_allocated_bytes", MIB),
    "peak_reserved_mib": _of("memory", "peak_reserved_bytes", MIB),
    "peak_phase": _of("memory", "peak_phase"),
    "peak_module": _of("memory", "peak_module"),
    "step_median_ms": _of("timing.step_ms", "median"),
    "step_p10_ms": _of("timing.step_ms", "p10"),
    "step_p90_ms": _of("timing.step_ms", "p90"),
    "images_per_second": _of("timing", "images_per_second"),
    "tflops_per_image": _of("compute", "flops_per_image", 1e12),
    **{name: _score(name) for name in SCORES},
    "train_images": _of("accuracy", "train_images"),
    "test_images": _of("accuracy", "test_images"),
    "train_s": _of("accuracy", "train_ms", 1000),
    "assumption": lambda record: record.assumption,
    "message": lambda record: record.message,
}


def cells_table(records: Sequence[Record]) -> pd.DataFrame:
    """One row a record, with the columns of ``COLUMNS``; units are in their names.

    What a record does not hold is missing (NA).
    """
    rows = [[value(record) for value in COLUMNS.values()] for record in records]
    return pd.DataFrame(rows, columns=list(COLUMNS)).convert_dtypes()


def memory_table(records: Sequence[Record]) -> CaptionedTable:
    """Peak memory allocated in MiB, methods against batch sizes, the most frugal method first.

    It shows those of ``records`` that ``select.memory_records`` chooses.
    """
    shown = memory_records(records)
    if not shown:
        return CaptionedTable(pd.DataFrame(), "Peak memory", "No record holds a peak.")
    ordered = sorted(series_of(shown), key=_smallest_peak)
    title = f"Peak memory allocated in one {step_name(shown)}, MiB by batch size"
    caption = f"{assumptions(shown)}Source: {describe_memory(shown)}; {origin(shown)}."
    return CaptionedTable(_by_batch(ordered, _peak_mib), title, caption)


def throughput_table(records: Sequence[Record]) -> CaptionedTable:
    """Images per second, methods against batch sizes, the fastest method first.

    It shows those of ``records`` that ``select.time_records`` chooses; an asterisk marks times
    that are not stable.
    """
    shown = time_records(records)
    if not shown:
        return CaptionedTable(pd.DataFrame(), "Throughput", "No record holds a time.")
    ordered = sorted(series_of(shown), key=_highest_speed, reverse=True)
    title = f"Throughput of the {step_name(shown)}, images per second by batch size"
    caption = f"Median of the timed steps. Source: {describe_times(shown)}; {origin(shown)}."
    if any(record.timing.stable is False for record in shown):
        caption += " Asterisk: times that spread (p10 to p90) over more than a tenth of the median."
    return CaptionedTable(_by_batch(ordered, _images_per_second), title, caption)


def terminal_table(frame: pd.DataFrame, title: str, caption: str) -> Table:
    """``frame`` for a terminal: text on the left, numbers on the right.

    Headers wrap, so that names get all the width they need, or what there is; in a narrow terminal
    a spread stands below its mean.
    """
    table = plain_table(title, caption)
    spreads = [name for name in frame.columns if frame[name].astype(str).str.contains("±").any()]
    for name in frame.columns:
        words = [*frame[name].astype(str), *str(name).split()]
        if name in NAMES and spreads:
            table.add_column(name, width=NAME_BESIDE_SPREADS)
        elif name in NAMES:
            table.add_column(name, min_width=SHORTEST_NAME)
        elif name in spreads:
            table.add_column(name, justify=_side(name), overflow="fold")
        else:
            table.add_column(name, justify=_side(name), width=max(map(len, words)))
    for row in frame.itertuples(index=False):
        table.add_row(*(Text(str(cell)) for cell in row))  # brackets are no markup
    return table


def _side(column: str) -> JustifyMethod:
    return "left" if column in TEXT else "right"


def _by_batch(ordered: Sequence[Series], text: Callable[[Record], str]) -> pd.DataFrame:
    """One row a method; ``text`` writes the cells of records that are complete."""
    batches = sorted({batch for series in ordered for batch in series.by_batch()})
    rows = []
    for series in ordered:
        found = series.by_batch()
        trained = [record.params.trainable for record in series.records if record.params]
        facts = {
            "method": series.label,
            "kind": series.kind or MISSING,
            "params, M": millions(trained[0]) if trained else MISSING,
        }
        rows.append(facts | {f"batch {batch}": _cell(found.get(batch), text) for batch in batches})
    return pd.DataFrame(rows)


def _cell(record: Record | None, text: Callable[[Record], str]) -> str:
    if record is None:
        return MISSING
    if record.status == "ok":
        return text(record)
    return "OOM" if record.status == "oom" else record.status


def _peak_mib(record: Record) -> str:
    return f"{record.memory.peak_allocated_bytes / MIB:,.0f}" if record.memory else MISSING


def _images_per_second(record: Record) -> str:
    speed = record.timing.images_per_second
    if speed is None:
        return MISSING
    return short_number(speed) + ("*" if record.timing.stable is False else "")


def _smallest_peak(series: Series) -> float:
    peaks = [r.memory.peak_allocated_bytes for r in series.records if r.memory and has_memory(r)]
    return min(peaks, default=float("inf"))


def _highest_speed(series: Series) -> float:
    return max((r.timing.images_per_second or 0 for r in series.records), default=0)

"""Where figures come from, in words: the captions of tables and plots."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from samfit.harness.device.cards import AMPERE
from samfit.harness.record.cell import Cell, defaults_of
from samfit.harness.record.lever import changed_fields
from samfit.harness.record.record import Record
from samfit.harness.report.kit.select import MARK, VARIANT_FIELDS, varying_fields
from samfit.units import GIB, MIB

INSTRUMENTS = {
    "trace": "storages traced",
    "trace+replay": "trace + allocator replay",
    "cuda": "counters of the CUDA allocator",
}
PHASES = {"train": "training step", "infer": "forward pass"}
TRAINING_ONLY = {"optimizer", "loss"}

# How a field of the Cell reads in a caption; one that is not here is named when not at its default.
WORDS: dict[str, Callable[[Any], str]] = {
    "precision": str,
    "optimizer": lambda name: {"adamw": "AdamW"}.get(name, name),
    "prompt": lambda kind: "no prompt" if kind == "none" else f"{kind} prompt",
    "loss": lambda name: f"{name} loss",
}


def describe_memory(records: Sequence[Record]) -> str:
    """Source with the instrument that gave the peaks, conditions and versions.

    ``records`` share source, backbone, image size, phase and device.
    """
    used = (record.memory.instrument for record in records if record.memory)
    instruments = _distinct(INSTRUMENTS.get(name, name) for name in used)
    return _describe(records, f" ({instruments})" if instruments else "")


def memory_source(records: Sequence[Record]) -> str:
    """The end of a caption: what predictions assume, and where the peaks come from."""
    return f"{assumptions(records)}Source: {describe_memory(records)}."


def describe_times(records: Sequence[Record]) -> str:
    """Source, conditions and versions, as ``describe_memory`` without its instrument."""
    return _describe(records)


def origin(records: Sequence[Record]) -> str:
    """Dates and commits of the records, and for predictions the machine that made them."""
    machines = _distinct(r.environment.get("cpu") for r in records if r.source == "predicted")
    days = sorted({r.started[:10] for r in records if r.started})
    dates = " to ".join(dict.fromkeys((days[0], days[-1]))) if days else "at an unknown date"
    commits = _distinct(_commit(record) for record in records)
    made = f"made {dates}" + (f" on {machines}" if machines else "")
    return f"{made}, {commits}" if commits else made


def assumptions(records: Sequence[Record]) -> str:
    """A sentence that points from ``select.MARK`` to the footnote, where a prediction needs it."""
    return f"{MARK}: see the footnote of table.md. " if footnote(records) else ""


def footnote(records: Sequence[Record]) -> str:
    """A sentence for each assumption that predictions among ``records`` make, or nothing."""
    titles: dict[str, list[str]] = {}
    for record in records:
        if record.assumption:
            titles.setdefault(record.assumption, []).append(method_title(record))
    sentence = "Predictions of {} assume that {}. "
    return "".join(sentence.format(_distinct(them), what) for what, them in titles.items())


def pulled(cell: Cell) -> list[str]:
    """What distinguishes a Cell from its method as published, in short: settings, then levers."""
    levers = changed_fields(cell)
    changed = {**cell.settings, **levers}
    return [
        in_words(name) if value is True
        else value if name in levers and isinstance(value, str)
        else f"{in_words(name)} {value}"
        for name, value in changed.items()
    ]  # fmt: skip


def without_units(cell: Cell, compute_capability: str) -> str:
    """A sentence for a card that computes what ``cell`` asks without units for it; else nothing."""
    older = tuple(map(int, compute_capability.split("."))) < AMPERE
    if older and cell.precision in ("bf16", "bf16-pure"):
        return f"Compute capability {compute_capability} has no units for bfloat16: it is slow."
    return ""


def method_title(record: Record) -> str:
    """The method's name in prose, or its registered one where no record tells."""
    return record.method.title if record.method else record.cell.adapter


def cell_names(records: Sequence[Record]) -> dict[str, str]:
    """A name to read for each key: method, batch, levers and task; the key where two share it."""
    names = {record.key: _cell_name(record) for record in records}
    taken = Counter(names.values())
    return {key: name if taken[name] == 1 else key for key, name in names.items()}


def _cell_name(record: Record) -> str:
    cell = record.cell
    parts = [f"{cell.adapter} {cell.backbone}", f"batch {cell.batch_size}", *pulled(cell)]
    parts += [cell.phase] if cell.phase != "train" else []
    parts += [cell.task, f"seed {cell.seed}"] if cell.task else []
    return f"{', '.join(parts)}; {record.source.replace('measured-', '')}"


def step_name(records: Sequence[Record]) -> str:
    """``training step`` or ``forward pass``, for titles."""
    return PHASES[records[0].cell.phase]


def in_words(name: str) -> str:
    """A category's name, or a setting's, as prose has it."""
    return name.replace("_", " ")


def counted(count: int, noun: str) -> str:
    """``1 image``, ``2 images``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def joined(names: Iterable[object]) -> str:
    """``a, b and c``, each once."""
    *most, last = dict.fromkeys(map(str, names))
    return f"{', '.join(most)} and {last}" if most else last


def millions(count: int) -> str:
    """A number of parameters in millions, without the unit."""
    return f"{count / 1e6:,.3f}"


def short_number(value: float) -> str:
    """Three significant digits, more before the point if need be, and no exponent."""
    decimals = 2 if value < 9.995 else 1 if value < 99.95 else 0
    return f"{value:,.{decimals}f}"


def size(nbytes: int) -> str:
    """Three digits in the unit that suits them."""
    for unit, name in ((GIB, "GiB"), (MIB, "MiB")):
        if nbytes >= unit:
            return f"{short_number(nbytes / unit)} {name}"
    return f"{short_number(nbytes / 1024)} KiB"


class Unit(NamedTuple):
    """A unit of memory that suits some figures."""

    name: str
    nbytes: int


def unit_for(records: Iterable[Record]) -> Unit:
    """GiB, or MiB where no record needs a whole GiB."""
    return suited_unit(max(r.memory.peak_allocated_bytes for r in records if r.memory))


def suited_unit(nbytes: int) -> Unit:
    """GiB, or MiB where that would be less than one."""
    return Unit("GiB", GIB) if nbytes >= GIB else Unit("MiB", MIB)


def _describe(records: Sequence[Record], instruments: str = "") -> str:
    return f"{_source(records)}{instruments}, {_conditions(records)}; {versions(records)}"


def _source(records: Sequence[Record]) -> str:
    first = records[0]
    if first.source == "predicted":
        return "predicted" if first.cell.device == "cuda" else f"predicted for {first.cell.device}"
    environment = first.environment
    if first.source == "measured-cuda":
        return f"measured on {environment.get('gpu') or 'a CUDA device'}"
    threads = environment.get("cpu_threads")
    with_threads = f" with {counted(threads, 'thread')}" if threads else ""
    return f"measured on {environment.get('cpu') or 'a CPU'}{with_threads}"


def _conditions(records: Sequence[Record]) -> str:
    """What all records share; where variants differ, what holds unless a label says otherwise."""
    cell, varying = records[0].cell, varying_fields(records)
    parts = [cell.backbone, f"{cell.image_size} × {cell.image_size}", PHASES[cell.phase]]
    defaults = defaults_of(cell.backbone)
    for name in VARIANT_FIELDS:
        if cell.phase == "infer" and name in TRAINING_ONLY:
            continue
        default = defaults[name]
        value = default if name in varying else getattr(cell, name)
        suffix = " unless labelled" if name in varying else ""
        if name in WORDS:
            parts.append(WORDS[name](value) + suffix)
        elif value != default:
            parts.append(f"{in_words(name)} {value}")
    return ", ".join(parts)


def versions(records: Sequence[Record]) -> str:
    """Versions of samfit and torch that made the records."""
    packages = [r.environment.get("packages") or {} for r in records]
    named = {name: _distinct(p.get(name) for p in packages) for name in ("samfit", "torch")}
    return ", ".join(f"{name} {found or 'of unknown version'}" for name, found in named.items())


def machines(records: Sequence[Record]) -> str:
    """The cards, or processors where there was none, on which records were made."""
    made_on = (r.environment.get("gpu") or r.environment.get("cpu") for r in records)
    return _distinct(name or "an unknown machine" for name in made_on)


def _commit(record: Record) -> str | None:
    commit = record.environment.get("commit")
    changes = " with uncommitted changes" if record.environment.get("dirty") else ""
    return f"commit {commit[:10]}{changes}" if commit else None


def _distinct(values: Iterable[str | None]) -> str:
    return " and ".join(dict.fromkeys(value for value in values if value))

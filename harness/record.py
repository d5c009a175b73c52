"""Measurement: everything learned from one Cell. Needs no torch.

Sizes are bytes and times are milliseconds, everywhere, and the names say so. What was not measured
is None.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from harness.cell import Cell

SCHEMA = 1

Status = Literal["ok", "oom", "timeout", "error", "unsupported"]
Source = Literal["predicted", "measured-cuda", "measured-cpu"]


def measured_source(cell: Cell) -> Source:
    """The source of a measurement of ``cell``."""
    return "measured-cuda" if cell.device == "cuda" else "measured-cpu"


@dataclass(frozen=True, kw_only=True)
class Method:
    """What readers of a table want to know about the adapter.

    Attributes:
        title: its name in prose.
        source: where it comes from.
        serial: whether gradients flow through the frozen image encoder, so that its activations are
            kept; a parallel method (False) runs the encoder without a graph.
    """

    title: str
    source: str
    serial: bool


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """Numbers of parameters; ``trainable`` is the sum of the three parts that follow it."""

    trainable: int
    adapter: int
    mask_decoder: int
    prompt_encoder: int
    total: int


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """Live bytes over one step, in a few hundred buckets of which each shows its highest point.

    ``phase_starts`` gives, for each phase, the index of its first point.
    """

    live_bytes: list[int]
    phase_starts: dict[str, int]


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Device memory of one step.

    Attributes:
        instrument: what gave the peak: ``trace`` (storages followed), ``trace+replay`` (and put
            through the model of the CUDA allocator) or ``cuda`` (the allocator's own counters).
        peak_allocated_bytes: as ``torch.cuda.max_memory_allocated`` reports it.
        peak_reserved_bytes: as ``torch.cuda.max_memory_reserved`` reports it.
        breakdown_bytes: bytes by category at the moment of the peak; they sum to the peak.
        peak_phase, peak_module: when and in which module the peak occurred.
        timeline: live bytes over the step.
        process_bytes: what the driver (NVML, nvidia-smi) charges the process, context included;
            predicted: reserved memory and a CUDA context as found on such cards.
        other_processes_bytes: what others held on the card when the measurement began.
        device_bytes: memory of the card.
        fits: names of the known cards, see ``cards.py``, that can hold the step with nothing else
            on them; predicted only.
    """

    instrument: str
    peak_allocated_bytes: int
    peak_reserved_bytes: int | None = None
    breakdown_bytes: dict[str, int] | None = None
    peak_phase: str | None = None
    peak_module: str | None = None
    timeline: Timeline | None = None
    process_bytes: int | None = None
    other_processes_bytes: int | None = None
    device_bytes: int | None = None
    fits: list[str] | None = None


@dataclass(frozen=True, kw_only=True)
class Spread:
    """Robust statistics of repeated times, in milliseconds."""

    median: float
    p10: float
    p90: float
    n: int


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Times of the step.

    Attributes:
        step_ms: statistics of ``samples_ms``.
        samples_ms: each timed step.
        warmup_ms: the steps before, left out of the statistics.
        images_per_second: batch size over the median.
        stable: whether the spread p10..p90 stays within a tenth of the median.
    """

    step_ms: Spread | None = None
    samples_ms: list[float] = field(default_factory=list)
    warmup_ms: list[float] = field(default_factory=list)
    images_per_second: float | None = None
    stable: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Compute:
    """Floating-point operations of one step, per image."""

    flops_per_image: int


@dataclass(frozen=True, kw_only=True)
class Accuracy:
    """How good the masks of a trained model are on test images that it has not seen.

    Attributes:
        scores: by metric, see ``accuracy/metrics``: value, and both ends of its 95% interval over
            the images.
        per_image: by metric, the score of each image; None where it has none.
        classes: as in ``data.dataset.DataSet``.
        train_images, test_images: numbers of images.
        losses: of every training step.
        train_ms: time that training took, with reading images.
        masks_png: the masks of the first few test images, as PNG files in base64.
    """

    scores: dict[str, list[float]]
    per_image: dict[str, list[float | None]]
    classes: int
    train_images: int
    test_images: int
    losses: list[float]
    train_ms: float
    masks_png: list[str]


PARTS: dict[str, Any] = {
    "method": Method,
    "params": Parameters,
    "compute": Compute,
    "accuracy": Accuracy,
}


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """The record of one Cell.

    Attributes:
        cell: what was run.
        status: how it ended; anything but ``ok`` has a ``message``.
        source: ``predicted``, ``measured-cuda`` or ``measured-cpu``.
        message: one sentence about how it ended, and what to do.
        traced: in words, what the step contained.
        assumption: in words, what a prediction assumes where memory depends on data.
        method: the adapter in words.
        environment: versions, card, machine, commit, see ``environment.py``.
        started: when, in ISO 8601, UTC.
        duration_ms: how long getting this record took, without imports.
    """

    cell: Cell
    status: Status
    source: Source
    message: str | None = None
    traced: str | None = None
    assumption: str | None = None
    method: Method | None = None
    params: Parameters | None = None
    memory: Memory | None = None
    timing: Timing = field(default_factory=Timing)
    compute: Compute | None = None
    accuracy: Accuracy | None = None
    environment: dict[str, Any] = field(default_factory=dict)
    started: str | None = None
    duration_ms: float | None = None
    schema: int = SCHEMA

    @property
    def key(self) -> str:
        """Stable name of this measurement: how, and the Cell's key."""
        return f"{self.source}/{self.cell.key}"

    def to_json(self) -> dict[str, Any]:
        """All fields as JSON values, with the Cell's key beside the Cell."""
        return {"key": self.key, **dataclasses.asdict(self)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Measurement":
        """The Measurement that ``to_json`` described; fails on missing or unknown fields."""
        values = {name: value for name, value in data.items() if name != "key"}
        values["cell"] = Cell.from_json(values["cell"])
        for name, kind in PARTS.items():
            values[name] = values.get(name) and kind(**values[name])
        timing = dict(values["timing"])
        timing["step_ms"] = timing["step_ms"] and Spread(**timing["step_ms"])
        values["timing"] = Timing(**timing)
        if values["memory"]:
            memory = dict(values["memory"])
            memory["timeline"] = memory["timeline"] and Timeline(**memory["timeline"])
            values["memory"] = Memory(**memory)
        return cls(**values)

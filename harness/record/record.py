"""Record: everything learned from one Cell. Needs no torch.

Sizes are bytes and times are milliseconds, everywhere, and the names say so. What was not measured
is None.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field

from samfit.errors import UserError
from samfit.harness.memory.figures import Exhausted, Memory
from samfit.harness.record.cell import Cell
from samfit.harness.record.environment import Environment
from samfit.typed import Count, Positive, PositiveCount, Typed

SCHEMA = 1

Milliseconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]

Status = Literal["ok", "oom", "timeout", "error", "unsupported"]
Instrument = Literal["rehearsal", "trace"]  # of predictions
Source = Literal["predicted", "traced", "measured-cuda", "measured-cpu"]


def measured_source(cell: Cell) -> Source:
    """The source of a measurement of ``cell``."""
    return "measured-cuda" if cell.device == "cuda" else "measured-cpu"


@dataclass(frozen=True, kw_only=True)
class Method(Typed):
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
class Parameters(Typed):
    """Numbers of parameters; ``trainable`` is the sum of the three parts that follow it."""

    trainable: Count
    adapter: Count
    mask_decoder: Count
    prompt_encoder: Count
    total: Count


@dataclass(frozen=True, kw_only=True)
class Spread(Typed):
    """Robust statistics of repeated times, in milliseconds."""

    median: Positive
    p10: Positive
    p90: Positive
    n: PositiveCount

    def __post_init__(self) -> None:
        if not self.p10 <= self.median <= self.p90:
            raise UserError(f"p10 {self.p10}, median and p90 {self.p90} must not fall.")


@dataclass(frozen=True, kw_only=True)
class Timing(Typed):
    """Times of the step.

    Attributes:
        step_ms: statistics of ``samples_ms``.
        samples_ms: each timed step.
        warmup_ms: the steps before, left out of the statistics.
        images_per_second: batch size over the median.
        stable: whether the spread p10..p90 stays within a tenth of the median.
    """

    step_ms: Spread | None = None
    samples_ms: list[Milliseconds] = field(default_factory=list)
    warmup_ms: list[Milliseconds] = field(default_factory=list)
    images_per_second: Positive | None = None
    stable: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Compute(Typed):
    """Floating-point operations of one step, per image."""

    flops_per_image: Count


@dataclass(frozen=True, kw_only=True)
class Accuracy(Typed):
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

    scores: dict[str, Annotated[list[float], Field(min_length=3, max_length=3)]]
    per_image: dict[str, list[float | None]]
    classes: Count
    train_images: Count
    test_images: Count
    losses: list[float]
    train_ms: Milliseconds
    masks_png: list[str]


@dataclass(frozen=True, kw_only=True)
class Record(Typed):
    """The record of one Cell.

    Attributes:
        cell: what was run.
        status: how it ended; anything but ``ok`` has a ``message``.
        source: ``predicted``, ``measured-cuda`` or ``measured-cpu``; ``traced`` is a prediction by
            trace that is compared with a rehearsal.
        message: one sentence about how it ended, and what to do.
        traced: in words, what the step contained.
        assumption: in words, what a prediction assumes where memory depends on data.
        method: the adapter in words.
        environment: versions, card, machine, commit, see ``environment.py``.
        oom: at which request a rehearsed step ended, if its card had no more memory.
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
    oom: Exhausted | None = None
    timing: Timing = field(default_factory=Timing)
    compute: Compute | None = None
    accuracy: Accuracy | None = None
    environment: Environment = field(default_factory=Environment)
    started: str | None = None
    duration_ms: Milliseconds | None = None
    schema: int = SCHEMA

    @property
    def key(self) -> str:
        """Stable name of this measurement: how, and the Cell's key."""
        return f"{self.source}/{self.cell.key}"

    def to_json(self) -> dict[str, Any]:
        """All fields as JSON values, with the Cell's key beside the Cell."""
        return {"key": self.key, **dataclasses.asdict(self)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Record":
        """The Record that ``to_json`` described.

        Raises:
            UserError: for a missing or unknown field, or a value that is not of the field's type.
        """
        return super().from_json({name: data[name] for name in data if name != "key"})

"""A Task: a Cell, and how to get its Record. Needs no torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from samfit.harness.record.cell import Cell
from samfit.harness.record.environment import Environment
from samfit.harness.record.record import Record, Source, Status, measured_source

How = Literal["predict", "trace", "measure", "measure_memory", "score"]

PREDICTED: dict[How, Source] = {"predict": "predicted", "trace": "traced"}

TIME_LIMIT_S = 900.0  # of a task in a sweep; those of bench and accuracy took a minute on two cores


@dataclass(frozen=True)
class Task:
    """What a worker is asked to do.

    Attributes:
        how: ``predict`` memory, or ``trace`` it, to be compared with a rehearsal; ``measure``
            memory and time, or ``measure_memory`` alone; ``score`` the masks after a training.
    """

    how: How
    cell: Cell

    @property
    def is_prediction(self) -> bool:
        """Whether it takes neither a card nor all processors."""
        return self.how in PREDICTED

    @property
    def needs_fresh_process(self) -> bool:
        """A measurement would find what an earlier Cell left in the allocator and in caches."""
        return self.how.startswith("measure")

    @property
    def one_thread(self) -> bool:
        """A training of a small model on the CPU: two threads are busier with one of two each."""
        return self.how == "score" and self.cell.device == "cpu"

    def seen_from(self, machine: Environment) -> Environment:
        """``machine``, as this task's record describes it."""
        return {**machine, "cpu_threads": 1} if self.one_thread else machine

    @property
    def source(self) -> Source:
        """The source of the Record that answers this task."""
        return PREDICTED.get(self.how) or measured_source(self.cell)

    @property
    def key(self) -> str:
        """The key of the Record that answers this task."""
        return self.ended("ok", None).key

    def ended(
        self,
        status: Status,
        message: str | None,
        machine: Environment | None = None,
        duration_ms: float | None = None,
    ) -> Record:
        """A record without figures, for a task that ended like this."""
        return Record(
            cell=self.cell,
            status=status,
            source=self.source,
            message=message,
            environment=machine or Environment(),
            duration_ms=duration_ms,
        )

    def to_json(self) -> dict[str, Any]:
        """The task as JSON values."""
        return {"how": self.how, "cell": self.cell.to_json()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Task":
        """The task that ``to_json`` described."""
        return cls(data["how"], Cell.from_json(data["cell"]))

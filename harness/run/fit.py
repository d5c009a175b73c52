"""What fits of many methods, each searched in a process of its own. Needs no torch."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from samfit.errors import UserError
from samfit.harness.device.cards import Card
from samfit.harness.predict.answers import MethodFit
from samfit.harness.record.cell import Cell
from samfit.harness.record.environment import Environment
from samfit.harness.record.record import Status
from samfit.harness.run.executor import side_by_side
from samfit.typed import Typed


def fit_methods(
    cells: Sequence[Cell], cards: Sequence[Card], wanted: int, most: int
) -> Iterator[list[MethodFit]]:
    """``fit`` of each of ``cells``, as soon as it is known, in any order.

    Raises:
        UserError: for a Cell that cannot be built.
    """
    jobs = [FitJob(cell, tuple(cards), wanted, most) for cell in cells]
    if len(jobs) > 1:
        yield from side_by_side(jobs)
    else:  # no other process is needed
        yield from (job.search() for job in jobs)


@dataclass(frozen=True)
class FitJob(Typed):
    """The arguments of ``fit``."""

    cell: Cell
    cards: tuple[Card, ...]
    wanted: int
    most: int
    needs_fresh_process: ClassVar[bool] = False
    one_thread: ClassVar[bool] = True

    def search(self) -> list[MethodFit]:
        """Answer it in this process."""
        from samfit.harness.predict.search import fit  # imports torch

        return fit(self.cell, self.cards, self.wanted, self.most)

    def perform(self) -> Any:
        """What ``search`` finds, as JSON values."""
        return [asdict(found) for found in self.search()]

    def answer(self, document: Any) -> list[MethodFit]:
        """What ``perform`` gave."""
        return [MethodFit.from_json(found) for found in document]

    def ended(
        self,
        status: Status,
        message: str,
        machine: Environment | None = None,
        duration_ms: float | None = None,
    ) -> list[MethodFit]:
        """Raise a UserError: half a table would not tell that a method is missing."""
        raise UserError(message)

    def to_json(self) -> dict[str, Any]:
        """The question as JSON values."""
        return {"how": "fit", **asdict(self)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "FitJob":
        """The job that ``to_json`` described."""
        return super().from_json({name: value for name, value in data.items() if name != "how"})

"""The option --instrument, and what is said where its default cannot be had."""

from typing import Annotated

import typer

import samfit
from samfit.harness.cli.output import messages
from samfit.harness.record.cell import Cell
from samfit.harness.record.record import Instrument

ChosenInstrument = Annotated[
    Instrument | None,
    typer.Option(
        help="How memory is predicted: by running PyTorch's own CUDA code on a card that is not "
        "there (rehearsal; Linux, with a CUDA build of torch), or by following the step on tensors "
        "without data (trace; any computer). Default: rehearsal where it can be."
    ),
]


def say_why_traced(cell: Cell, wanted: Instrument | None) -> None:
    """Say so if ``cell`` is traced because it cannot be rehearsed here."""
    reason = samfit.why_not_rehearsed(cell)
    if cell.device == "cuda" and wanted is None and reason:
        messages.print(f"Memory is traced, not rehearsed: {reason}", soft_wrap=True, markup=False)

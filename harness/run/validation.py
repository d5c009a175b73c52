"""Predicted against measured memory: which Cells, in which order, and for how long."""

from collections.abc import Iterator
from typing import Any

from samfit.adapters.core.registry import adapter_names
from samfit.errors import UserError
from samfit.harness.record.cell import Cell, Device
from samfit.harness.record.environment import Environment
from samfit.harness.record.lever import apply_exact
from samfit.harness.record.record import Record
from samfit.harness.record.store import Store
from samfit.harness.run.executor import Executor
from samfit.harness.run.pairs import check_minutes, run_pairs
from samfit.harness.run.sweep import chosen
from samfit.harness.run.task import Task
from samfit.harness.step.levers import usable_levers
from samfit.progress import SILENT, Progress

# At 1 what does not grow with the batch counts most, and every card is large enough; 4 is the batch
# size of most tables; 2, between them, comes last.
BATCH_SIZES = (1, 4, 2)
DEFAULT_BACKBONES = {"cuda": "vit_b", "cpu": "vit_tiny"}
ONE_BY_ONE = ("lora", "cad")  # a serial and a parallel method that use each exact lever alone, too


def validate(
    store: Store,
    *,
    device: Device = "cuda",
    backbone: str | None = None,
    minutes: float = 10,
    executor: Executor | None = None,
    progress: Progress = SILENT,
) -> Iterator[Record]:
    """Predict and measure the memory of every method, as published and with levers.

    Args:
        store: where records are kept; the same call with the same store resumes.
        device: ``cuda``, or ``cpu``: this checks the tracer alone, on real tensors.
        backbone: Default: ``vit_b``; ``vit_tiny`` on the CPU.
        minutes: after these nothing further is begun.
        executor, progress: as in ``sweep``.

    Yields:
        The records that are stored, then a prediction and a measurement of each Cell that is left,
        predictions of some Cells before their measurements.

    Raises:
        UserError: for an unknown backbone, a store that cannot be used, or where there is no card.
    """
    check_minutes(minutes)
    with chosen(executor) as running:
        tasks = validation_tasks(running.machine, device, backbone)
        yield from run_pairs(tasks, store, running, minutes, progress)


def validation_tasks(
    machine: Environment, device: Device, backbone: str | None = None
) -> list[Task]:
    """A prediction and a measurement of each Cell, on the card of ``machine`` or on its CPU.

    Every method is there as published and with every lever, in fp32 and in bf16, at every batch
    size. Batch sizes and levers take turns, so that a run that is cut short has some of
    both. ``backbone`` is ViT-B by default, and the miniature SAM on the CPU.

    Raises:
        UserError: for an unknown backbone, or where there is no card.
    """
    fields: dict[str, Any] = {"device": device, "backbone": backbone or DEFAULT_BACKBONES[device]}
    if device == "cuda":
        if machine["gpu"] is None:
            raise UserError(
                "validate needs a CUDA device: run it where there is one, or check the tracer "
                "alone with --device cpu."
            )
        fields["compute_capability"] = machine["gpu_capability"]
    ranked: list[tuple[int, int, Cell]] = []
    for late, batch_size in enumerate(BATCH_SIZES):
        for name in adapter_names():
            cells = _variants(Cell(adapter=name, batch_size=batch_size, **fields))
            ranked += [(late + place, late, cell) for place, cell in enumerate(cells)]
    ranked.sort(key=lambda entry: entry[:2])
    return [Task(how, cell) for *_, cell in ranked for how in ("predict", "measure_memory")]


def _variants(cell: Cell) -> list[Cell]:
    """``cell`` as published, and with levers; what is most often used comes first."""
    levers = {lever.name: lever for lever in usable_levers(cell)}
    exact, bf16 = apply_exact(cell, levers.values()), levers["precision"]
    found = [cell, exact, bf16.apply(cell), bf16.apply(exact)]
    if "cache-embeddings" in levers:
        cached = levers["cache-embeddings"].apply(exact)
        found += [cached, bf16.apply(cached)]
    alone = levers.values() if cell.adapter in ONE_BY_ONE else ()
    return found + [lever.apply(cell) for lever in alone if lever.exact]

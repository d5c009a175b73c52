"""Predicted against measured memory: which Cells, in which order, and for how long."""

import time
from collections.abc import Iterable, Iterator
from typing import Any

from samfit.adapters.core.registry import adapter_names
from samfit.errors import UserError
from samfit.harness.record.cell import Cell, Device
from samfit.harness.record.environment import Environment
from samfit.harness.record.lever import apply_levers
from samfit.harness.record.record import Record
from samfit.harness.record.store import Store
from samfit.harness.run.executor import Executor
from samfit.harness.run.sweep import chosen, run_tasks
from samfit.harness.run.task import TIME_LIMIT_S, Task
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
        minutes: after these no further Cell is begun.
        executor, progress: as in ``sweep``.

    Yields:
        The records that are stored, then a prediction and a measurement of each Cell that is left.

    Raises:
        UserError: for an unknown backbone, a store that cannot be used, or where there is no card.
    """
    if not minutes > 0:
        raise UserError(f"--minutes must be more than 0, got {minutes:g}.")
    with chosen(executor) as running:
        tasks = validation_tasks(running.machine, device, backbone)
        with store.writing():
            records = run_tasks(tasks, store, running, TIME_LIMIT_S, progress)
            yield from _until(records, len(tasks), 60 * minutes, progress)


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


def _until(
    records: Iterable[Record], count: int, seconds: float, progress: Progress
) -> Iterator[Record]:
    """Pass on ``records``, two of each Cell; once the time is over, begin no further Cell."""
    end, measured = time.monotonic() + seconds, 0
    for record in records:
        yield record
        if record.source == "predicted":
            continue
        measured += 1
        if measured < count // 2 and time.monotonic() >= end:
            progress.say(f"{measured} of {count // 2} Cells: run it again for the others.")
            return


def _variants(cell: Cell) -> list[Cell]:
    """``cell`` as published, and with levers; what is most often used comes first."""
    levers = {lever.name: lever for lever in usable_levers(cell)}
    exact_ones = [lever for lever in levers.values() if lever.exact]
    exact, bf16 = apply_levers(cell, exact_ones), levers["precision"]
    found = [cell, exact, bf16.apply(cell), bf16.apply(exact)]
    if "cache-embeddings" in levers:
        cached = levers["cache-embeddings"].apply(exact)
        found += [cached, bf16.apply(cached)]
    alone = exact_ones if cell.adapter in ONE_BY_ONE else []
    return found + [lever.apply(cell) for lever in alone]

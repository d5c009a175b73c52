"""Traces against rehearsals of the same Cells: which ones, and in which order."""

import functools
from collections.abc import Iterator
from dataclasses import replace
from itertools import cycle
from typing import Any

from samfit.adapters.core.registry import adapter_names
from samfit.errors import UserError
from samfit.harness.record.cell import Cell, Phase, Precision
from samfit.harness.record.lever import Lever, apply_exact
from samfit.harness.record.record import Record
from samfit.harness.record.store import Store
from samfit.harness.run.executor import Executor
from samfit.harness.run.pairs import check_minutes, run_pairs
from samfit.harness.run.predict import why_not_rehearsed
from samfit.harness.run.sweep import chosen
from samfit.harness.run.task import Task
from samfit.harness.step.levers import usable_levers
from samfit.progress import SILENT, Progress

CAPABILITIES = ("7.5", "8.0", "8.6", "8.9", "9.0", "12.0")
BATCH_SIZES = (1, 2, 4, 8, 16)
VARIANTS = 3
RARER: tuple[Precision, ...] = ("fp16", "bf16-pure")
LARGER = ("vit_l", "vit_h")


def validate_trace(
    store: Store,
    *,
    backbone: str | None = None,
    minutes: float = 10,
    executor: Executor | None = None,
    progress: Progress = SILENT,
) -> Iterator[Record]:
    """Rehearse and trace Cells of every method, on cards of every kind. Needs no GPU.

    Args:
        store: where records are kept; the same call with the same store resumes.
        backbone: Default: ``vit_b``, and some Cells of ``vit_l`` and ``vit_h``.
        minutes: after these nothing further is begun.
        executor, progress: as in ``sweep``.

    Yields:
        The records that are stored, then those of each Cell that is left: that of the rehearsal has
        the source ``predicted``, that of the trace ``traced``.

    Raises:
        UserError: for an unknown backbone, a store that cannot be used, or where nothing can be
            rehearsed.
    """
    check_minutes(minutes)
    tasks = trace_tasks(backbone)
    if reason := why_not_rehearsed(tasks[0].cell):
        raise UserError(f"the trace is compared with rehearsals, and here is none: {reason}")
    with chosen(executor) as running:
        yield from run_pairs(tasks, store, running, minutes, progress)


def trace_tasks(backbone: str | None = None) -> list[Task]:
    """A rehearsal and a trace of each Cell.

    Every method is there on cards of every kind as published, with every exact lever, and in bf16.
    Batch sizes take turns, and so do methods in the Cells that follow: forward passes, cached
    embeddings, other precisions, and larger backbones unless one ``backbone`` is wanted.

    Raises:
        UserError: for an unknown backbone.
    """
    fields: dict[str, Any] = {"backbone": backbone} if backbone else {}
    cells = [*_trained(fields), *_others(fields)]
    return [Task(how, cell) for cell in cells for how in ("predict", "trace")]


def _trained(fields: dict[str, Any]) -> Iterator[Cell]:
    """Training steps. The first have each method once, so that a short run has some of all."""
    for variant in range(VARIANTS):
        for turn in range(len(CAPABILITIES)):
            for place, name in enumerate(adapter_names()):
                cell = Cell(
                    adapter=name,
                    compute_capability=CAPABILITIES[(place + turn) % len(CAPABILITIES)],
                    batch_size=BATCH_SIZES[(place + turn + 2 * variant) % len(BATCH_SIZES)],
                    **fields,
                )
                yield _variants(cell, with_levers=turn % 2 == 1)[variant]


def _others(fields: dict[str, Any]) -> Iterator[Cell]:
    """For cards of each kind forward passes, cached embeddings, other precisions and larger
    backbones."""
    methods = cycle(adapter_names())
    caching = cycle(n for n in adapter_names() if "cache-embeddings" in _levers(Cell(adapter=n)))
    for turn, capability in enumerate(CAPABILITIES):
        size = BATCH_SIZES[turn % len(BATCH_SIZES)]
        card: dict[str, Any] = {"compute_capability": capability, "batch_size": size}
        yield Cell(adapter=next(methods), phase="infer", **card, **fields)
        yield _exact(Cell(adapter=next(methods), phase="infer", **card, **fields))
        cell = Cell(adapter=next(caching), **card, **fields)
        yield _levers(cell)["cache-embeddings"].apply(_exact(cell))
        for precision in RARER:
            cell = _exact(Cell(adapter=next(methods), **card, **fields))
            yield replace(cell, precision=precision)
        for larger in () if fields else LARGER:
            cell = Cell(adapter=next(methods), backbone=larger, **card)
            yield _exact(cell) if larger == LARGER[turn % 2] else cell


def _variants(cell: Cell, with_levers: bool) -> list[Cell]:
    """``cell`` as published, with every exact lever, and in bf16, too, ``with_levers`` or not."""
    exact = _exact(cell)
    return [cell, exact, _levers(cell)["precision"].apply(exact if with_levers else cell)]


def _exact(cell: Cell) -> Cell:
    return apply_exact(cell, _levers(cell).values())


def _levers(cell: Cell) -> dict[str, Lever]:
    """What ``cell``, which has no lever yet, can use, by name."""
    return _levers_of(cell.adapter, cell.phase)


@functools.cache
def _levers_of(adapter: str, phase: Phase) -> dict[str, Lever]:
    return {each.name: each for each in usable_levers(Cell(adapter=adapter, phase=phase))}

"""How far predictions agree with measurements, or traces with rehearsals, and what is promised."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from samfit.harness.record.cell import Cell
from samfit.harness.record.record import Record
from samfit.harness.report.agreement.pairs import (
    MEASURED,
    REHEARSED,
    AgreementPair,
    Words,
    predicted_and_measured,
    traced_and_rehearsed,
)
from samfit.harness.report.kit.describe import PHASES, in_words, origin, pulled, versions

# What samfit promises, as shares of what was measured, or rehearsed.
PREDICTION_LIMITS = {
    "median_allocated_error": 0.01,
    "worst_allocated_error": 0.03,
    "worst_reserved_error": 0.05,
}
TRACE_LIMITS = {
    "median_allocated_error": 0.0005,
    "worst_allocated_error": 0.006,
    "median_reserved_error": 0.01,
    "worst_reserved_error": 0.05,
}


@dataclass(frozen=True)
class Agreement:
    """Pairs of records of one kind. ``of_predictions`` and ``of_traces`` make them.

    Attributes:
        pairs: at least one, for all that is written of them.
        failed: records that have no peak.
        words: what the two of a pair are called.
        limits: by the name of an error, the largest that is promised.
        source: where the records come from, in words.
    """

    pairs: Sequence[AgreementPair]
    failed: Sequence[Record]
    words: Words
    limits: Mapping[str, float]
    source: str

    def figures(self) -> dict[str, Any]:
        """Errors and the limits that they miss, as JSON values; errors are shares of the reference.

        ``missed`` is empty where samfit keeps its promise; None stands for what is unknown. A
        prediction that assumes something of the data, and says so, promises nothing of a
        measurement, whose data is what it is.
        """
        errors = errors_of([p for p in self.pairs if p.claim.assumption == p.reference.assumption])
        missed = [
            f"{in_words(name)} {error:.2%} (limit {100 * limit:g}%)"
            for name, limit in self.limits.items()
            if (error := errors[name]) is not None and error > limit
        ]
        return {**errors, "limits": dict(self.limits), "missed": missed}

    def beyond(self, what: str) -> list[AgreementPair]:
        """The pairs whose error of ``allocated`` or ``reserved`` memory exceeds its limit, the
        furthest off first."""
        limit = self.limits[f"worst_{what}_error"]
        sizes = [(abs(getattr(pair, f"{what}_error") or 0), pair) for pair in self.pairs]
        far_off = [entry for entry in sizes if entry[0] > limit]
        return [pair for _, pair in sorted(far_off, key=lambda entry: -entry[0])]

    def details(self, cell: Cell) -> list[str]:
        """What tells ``cell`` from others of its method and batch size, in short."""
        facts = {
            "backbone": cell.backbone,
            "compute_capability": f"capability {cell.compute_capability}",
            "phase": PHASES[cell.phase],
        }
        varying = [text for name, text in facts.items() if len(self._values(name)) > 1]
        return [*varying, *pulled(cell)]

    def _values(self, name: str) -> set[Any]:
        return {getattr(pair.cell, name) for pair in self.pairs}


def of_predictions(records: Sequence[Record]) -> Agreement:
    """Predictions beside measurements of one machine and one run's code."""
    found = predicted_and_measured(records)
    failed = [r for r in records if r.source.startswith("measured") and r.status != "ok"]
    source = _measured_on([pair.reference for pair in found]) if found else ""
    return Agreement(found, failed, MEASURED, PREDICTION_LIMITS, source)


def of_traces(records: Sequence[Record]) -> Agreement:
    """Traces beside rehearsals, made by one run's code."""
    found = traced_and_rehearsed(records)
    failed = [record for record in records if record.status != "ok"]
    rehearsed = [pair.reference for pair in found]
    source = (
        "rehearsed by PyTorch's own CUDA code on cards that are not there; "
        f"{versions(rehearsed)}; {origin(rehearsed)}"
    )
    return Agreement(found, failed, REHEARSED, TRACE_LIMITS, source)


def errors_of(pairs: Sequence[AgreementPair]) -> dict[str, Any]:
    """The number of ``pairs``, and the median and the worst of their errors; None is unknown."""
    allocated = [abs(pair.allocated_error) for pair in pairs]
    reserved = [abs(error) for pair in pairs if (error := pair.reserved_error) is not None]
    return {
        "cells": len(pairs),
        "median_allocated_error": median(allocated) if allocated else None,
        "worst_allocated_error": max(allocated, default=None),
        "median_reserved_error": median(reserved) if reserved else None,
        "worst_reserved_error": max(reserved, default=None),
    }


def _measured_on(measured: Sequence[Record]) -> str:
    """What records were measured on and with, and when."""
    here = measured[-1].environment
    card = here.get("gpu")
    where = card or here.get("cpu") or "a CPU"
    if card:
        where += f", compute capability {here.get('gpu_capability')}, driver {here.get('driver')}"
    return f"measured on {where}; {versions(measured)}; {origin(measured)}"

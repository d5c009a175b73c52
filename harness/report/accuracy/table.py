"""Scores as tables: methods against tasks, and against metrics."""

from collections.abc import Mapping, Sequence
from statistics import mean, stdev

import pandas as pd

from samfit.harness.metrics import METRICS
from samfit.harness.record.record import Record
from samfit.harness.report.accuracy.describe import (
    describe_failures,
    describe_source,
    metric_name,
    task_title,
)
from samfit.harness.report.accuracy.noise import noise
from samfit.harness.report.accuracy.standings import (
    PRETRAINED,
    UNKNOWING,
    Scored,
    Standings,
    standings,
)
from samfit.harness.report.kit.tables import MISSING, CaptionedTable

FURTHER = ("dice", "mae", "s_measure", "e_measure", "weighted_f", "ber")
YARDSTICKS_CAPTION = (
    f"Yardsticks: {PRETRAINED}, the pretrained model as it is; {UNKNOWING}, the mask decoder "
    "trained on an encoder that knows nothing. "
)

Column = tuple[Sequence[str], str | None]  # tasks, and the metric, as ``Scored.scores`` takes them


def accuracy_tables(records: Sequence[Record]) -> list[CaptionedTable]:
    """The tables of ``standings``; none where no method has a score."""
    found = standings(records)
    if found is None:
        return []
    tables = [_tasks_table(found)]
    return [*tables, _metrics_table(found)] if found.binary_tasks else tables


def score_text(scores: Sequence[float]) -> str:
    """Mean and, of more than one score, sample standard deviation."""
    if not scores:
        return MISSING
    return f"{mean(scores):.3f}" + (f" ± {stdev(scores):.3f}" if len(scores) > 1 else "")


def _tasks_table(found: Standings) -> CaptionedTable:
    """The main score of each method on each task, and its mean over them."""
    columns: dict[str, Column] = {task_title(task): ([task], None) for task in found.tasks}
    if len(found.tasks) > 1:
        columns["mean"] = (found.tasks, None)
    caption = (
        f"{metric_name(found.tasks)} on test images, higher is better{_spread(found)}. "
        f"{_mean_caption(found)}{noise(found)}{YARDSTICKS_CAPTION if found.yardsticks else ''}"
        f"{describe_failures(found)}{describe_source(found)}"
    )
    return CaptionedTable(_frame(found, columns), "Accuracy by task", caption)


def _metrics_table(found: Standings) -> CaptionedTable:
    """Every other metric of binary masks, as mean over the tasks that have them."""
    tasks = found.binary_tasks
    columns: dict[str, Column] = {
        f"{METRICS[key].symbol}{'↑' if METRICS[key].larger_is_better else '↓'}": (tasks, key)
        for key in FURTHER
    }
    titles = ", ".join(task_title(task) for task in tasks)
    caption = (
        f"{titles if len(tasks) == 1 else f'Mean over {titles}'}{_spread(found)}; ↑ higher is "
        "better, ↓ lower is better. A method that lacks one of these tasks has no score. "
        "Yardsticks, scope and source as of the table by task."
    )
    return CaptionedTable(_frame(found, columns), "Accuracy by metric, binary tasks", caption)


def _frame(found: Standings, columns: Mapping[str, Column]) -> pd.DataFrame:
    """One row a method, then, below a row of their own name, the yardsticks."""

    def row(one: Scored) -> dict[str, str]:
        cells = {name: score_text(one.scores(*column)) for name, column in columns.items()}
        return {"method": one.series.label, **cells}

    rows = [row(one) for one in found.methods]
    if found.yardsticks:
        rows += [{"method": "yardsticks:", **dict.fromkeys(columns, "")}]
        rows += [row(one) for one in found.yardsticks]
    return pd.DataFrame(rows)


def _spread(found: Standings) -> str:
    return "; mean and sample standard deviation over seeds" if len(found.seeds) > 1 else ""


def _mean_caption(found: Standings) -> str:
    if len(found.tasks) == 1:
        return ""
    return "The mean over tasks is taken seed by seed; a method that lacks a task has none. "

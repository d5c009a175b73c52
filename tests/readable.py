"""What every figure and table must be: nothing hides anything, and nothing is cut off."""

import io
from collections.abc import Sequence
from itertools import combinations
from typing import Any

from matplotlib.figure import Figure
from rich.console import Console, RenderableType
from synthetic_records import direct_labels

from samfit import Record
from samfit.harness.report.write import TOPICS


def made(make: Any, records: Sequence[Record]) -> Any:
    """What one of a report's tables or plots makes of ``records``, or None."""
    (topic,) = (topic for topic in TOPICS if make in (*topic.tables, *topic.plots))
    chosen = topic.choose(records)
    return make(chosen) if chosen else None


def printed(what: RenderableType, width: int = 80) -> str:
    """What a user reads in a terminal, without colour."""
    console = Console(width=width, file=io.StringIO(), color_system=None)
    console.print(what)
    return console.file.getvalue()  # type: ignore[attr-defined]


def assert_no_overlap(figure: Figure) -> None:
    """No label that a plot writes itself lies on another."""
    boxes = [label.get_window_extent() for label in direct_labels(figure)]
    for one, other in combinations(boxes, 2):
        assert not one.overlaps(other), (one, other)


def assert_nothing_is_clipped(figure: Figure) -> None:
    """Everything lies within the figure."""
    drawn, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    assert drawn.x0 >= 0 and drawn.y0 >= 0 and drawn.x1 <= width and drawn.y1 <= height, drawn

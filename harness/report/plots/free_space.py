"""Labels of points on curves, written where they hide no curve."""

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.path import Path
from matplotlib.transforms import Bbox

from harness.report.plots.frame import DPI, TEXT_POINTS, text_inches
from harness.report.plots.labels import DIRECT, LINE_INCHES, MARKER, Label
from harness.report.plots.style import INK

RINGS, RING_INCHES, ANGLES = 40, 0.07, 24
PADDING = 0.04


def label_in_free_space(axes: Axes, labels: Sequence[Label]) -> None:
    """Write each of ``labels``, of one line or more, as near to its point as there is free space.

    A label that is not beside its point gets a leader. Limits and scales of the axes must be final,
    and their lines drawn.
    """
    figure = axes.get_figure(root=True)
    assert figure is not None
    frame = axes.get_window_extent()
    paths = [line.get_transform().transform_path(line.get_path()) for line in axes.lines]
    taken: list[Bbox] = []
    for label in labels:
        point = axes.transData.transform((label.x, label.y))
        places = list(_places(point, label.text))
        box = next((b for b in places if _is_free(b, frame, taken, paths)), places[0])
        taken.append(box)
        corner = (box.x0 + PADDING * DPI, (box.y0 + box.y1) / 2)
        x, y = figure.transFigure.inverted().transform(corner)
        is_beside = box.padded(MARKER * DPI).contains(*point)
        leader = {"arrowstyle": "-", "color": INK, "linewidth": 0.6, "shrinkB": 3}
        axes.annotate(
            label.text, (label.x, label.y), (x, y), textcoords="figure fraction",
            size=TEXT_POINTS, va="center", label=DIRECT, arrowprops=None if is_beside else leader,
        )  # fmt: skip


def _places(point: np.ndarray, text: str) -> Iterator[Bbox]:
    """Boxes for ``text`` around ``point``, the nearest first, to the right before to the left."""
    lines = text.splitlines()
    width = (text_inches(lines, TEXT_POINTS) + 2 * PADDING) * DPI
    height = LINE_INCHES * len(lines) * DPI
    for ring in range(RINGS):
        reach = (MARKER / 2 + ring * RING_INCHES) * DPI
        for turn in range(ANGLES):
            angle = 2 * np.pi * ((turn + 1) // 2 * (-1) ** turn) / ANGLES
            x = point[0] + (reach + width / 2) * np.cos(angle)
            y = point[1] + (reach + height / 2) * np.sin(angle)
            yield Bbox.from_bounds(x - width / 2, y - height / 2, width, height)


def _is_free(box: Bbox, frame: Bbox, taken: Sequence[Bbox], paths: Sequence[Path]) -> bool:
    inside = frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1
    return (
        inside
        and not any(box.overlaps(other) for other in taken)
        and not any(path.intersects_bbox(box, filled=False) for path in paths)
    )

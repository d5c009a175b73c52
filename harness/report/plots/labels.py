"""Direct labels that do not overlap."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from harness.report.plots.frame import MARGIN, TEXT_POINTS, WIDTH, text_inches
from harness.report.plots.style import MethodStyle

DIRECT = "direct label"  # the matplotlib label of every such text
LINE_INCHES = TEXT_POINTS * 1.32 / 72  # from one label to the next below it
LEADER, SWATCH = 0.3, 0.16  # inches between axes and text: the leader, then the marker


class Label(NamedTuple):
    """Text for the point (x, y), in data coordinates."""

    x: float
    y: float
    text: str
    style: MethodStyle


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """The positions nearest to ``wanted`` (least squares) that keep its order and are a gap apart.

    They lie within low..high, unless so many do not fit: then they begin at ``low``.
    """
    order = np.argsort(wanted, kind="stable")
    blocks: list[tuple[float, int]] = []  # sums and counts of neighbours that touch
    for rank, index in enumerate(order):
        total, count = wanted[index] - rank * gap, 1
        while blocks and blocks[-1][0] / blocks[-1][1] > total / count:
            earlier_total, earlier_count = blocks.pop()
            total, count = total + earlier_total, count + earlier_count
        blocks.append((total, count))
    starts = [total / count for total, count in blocks for _ in range(count)]
    last_start = max(low, high - (len(order) - 1) * gap)
    placed = [0.0] * len(order)
    for rank, index in enumerate(order):
        placed[index] = min(max(starts[rank], low), last_start) + rank * gap
    return placed


def label_line_ends(axes: Axes, labels: Sequence[Label]) -> None:
    """Write ``labels`` in a column right of the axes, each beside its marker and with a leader.

    The axes make room for the column; their limits and scales must be final.
    """
    figure = axes.get_figure(root=True)
    assert figure is not None
    column = text_inches(figure, [label.text for label in labels]) + LEADER + SWATCH + MARGIN
    box = axes.get_position()
    axes.set_position((box.x0, box.y0, 1 - column / WIDTH - box.x0, box.height))
    frame, dpi = axes.get_window_extent(), figure.dpi
    points = axes.transData.transform([(label.x, label.y) for label in labels])
    heights = spread(points[:, 1].tolist(), LINE_INCHES * dpi, frame.y0, frame.y1)
    to_figure = figure.transFigure.inverted()
    for label, point, height in zip(labels, points, heights, strict=True):
        x = frame.x1 + LEADER * dpi
        corners = [point, (max(point[0], frame.x1 - 4), point[1]), (x - 0.1 * dpi, height)]
        leader = Line2D(
            *to_figure.transform(corners).T, color=label.style.colour, linewidth=0.7, linestyle=":"
        )
        x_marker, y_text = to_figure.transform((x, height))
        marker = Line2D([x_marker], [y_text], **label.style.marker())
        figure.add_artist(leader)
        figure.add_artist(marker)
        figure.text(
            to_figure.transform((x + SWATCH * 0.6 * dpi, 0))[0], y_text, label.text,
            size=TEXT_POINTS, va="center_baseline", label=DIRECT,
        )  # fmt: skip


def label_points(axes: Axes, labels: Sequence[Label]) -> None:
    """Write each of ``labels`` near its point, where it hides no point and no other label.

    Nearer places are tried first; a label that had to go far gets a leader. Limits and scales of
    the axes must be final.
    """
    figure = axes.get_figure(root=True)
    assert figure is not None
    dpi, frame = figure.dpi, axes.get_window_extent()
    points = axes.transData.transform([(label.x, label.y) for label in labels])
    marker = MARKER_INCHES * dpi
    taken = [Bbox.from_bounds(x - marker / 2, y - marker / 2, marker, marker) for x, y in points]
    for label, point in zip(labels, points, strict=True):
        width = text_inches(figure, [label.text]) * dpi
        places = _places(point, width, LINE_INCHES * dpi, marker)
        box, distance = min(places, key=lambda place: _cost(place, taken, frame))
        taken.append(box)
        arrow = {"arrowstyle": "-", "color": label.style.colour, "linewidth": 0.6}
        axes.annotate(
            label.text, point, (box.x0, (box.y0 + box.y1) / 2), xycoords="figure pixels",
            textcoords="figure pixels", size=TEXT_POINTS, va="center_baseline", label=DIRECT,
            arrowprops=arrow if distance > 2 * marker else None,
        )  # fmt: skip

"""Direct labels of points, where these lie close together in columns.

Sizes are inches, boxes and positions pixels of the figure at its own resolution.
"""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox, Transform

from samfit.harness.report.kit.frame import (
    DPI,
    MARGIN,
    MIN_AXES,
    TEXT_POINTS,
    figure_of,
    text_inches,
)

DIRECT = "direct label"  # the matplotlib label of every such text
LINE_INCHES = TEXT_POINTS * 1.32 / 72  # from one label to the next below it
LEADER, SWATCH, MARKER = 0.3, 0.1, 0.11
GROUND = {"facecolor": "white", "edgecolor": "none", "pad": 1}  # hides the lines behind a text

Pixels = np.ndarray  # (n, 2): x and y


class Label(NamedTuple):
    """Text for the point (x, y), in data coordinates, whose marker has this look."""

    x: float
    y: float
    text: str
    marker: Mapping[str, Any]


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


def label_points(axes: Axes, labels: Sequence[Label]) -> None:
    """Write each of ``labels`` right of its point, or in a column beside the cluster it lies in.

    The axes make room on their right where that is needed; their limits and scales must be final.
    """
    widths = [text_inches([label.text], TEXT_POINTS) * DPI for label in labels]
    excess = 1.0
    while excess >= 1:  # pixels; points move left by less than their axes shrink
        figure = _make_room(axes, excess / DPI)
        clusters, excess = _clusters(axes, labels, widths)
    frame, points = axes.get_window_extent(), _pixels(axes, labels)
    for cluster in clusters:
        members = [labels[i] for i in cluster]
        if len(cluster) == 1:
            x, y = figure.transFigure.inverted().transform(points[cluster[0]] + (MARKER * DPI, 0))
            _write(figure, x, y, members[0].text)
        else:
            heights = _heights(points[cluster], frame)
            _draw_column(figure, members, points[cluster], heights, points[cluster, 0].max())


def _make_room(axes: Axes, inches: float) -> Figure:
    """Move the right side of the axes to the left, or that of their figure to the right."""
    figure = figure_of(axes)
    box, total = axes.get_position(), figure.get_figwidth()
    left, narrowed = box.x0 * total, box.width * total - inches
    width = max(narrowed, MIN_AXES)
    total += width - narrowed
    figure.set_figwidth(total)
    axes.set_position((left / total, box.y0, width / total, box.height))
    return figure


def _pixels(axes: Axes, labels: Sequence[Label]) -> Pixels:
    return axes.transData.transform([(label.x, label.y) for label in labels])


def _heights(points: Pixels, frame: Bbox) -> list[float]:
    """Where the labels of a column go."""
    return spread(points[:, 1].tolist(), LINE_INCHES * DPI, frame.y0, frame.y1)


def _draw_column(
    figure: Figure, labels: Sequence[Label], points: Pixels, heights: Sequence[float], left: float
) -> None:
    """Texts right of ``left``, each beside its marker, with a leader to its point."""
    to_figure = figure.transFigure.inverted()
    for label, (x, y), height in zip(labels, points, heights, strict=True):
        swatch = left + LEADER * DPI
        corners = [(x, y), (swatch - MARKER * DPI, height)]
        ends = to_figure.transform(corners)
        leader = Line2D(*ends.T, color=label.marker["color"], linewidth=0.7, linestyle=":")
        x_swatch, y_text = to_figure.transform((swatch, height))
        figure.add_artist(leader)
        figure.add_artist(Line2D([x_swatch], [y_text], **label.marker))
        _write(figure, x_swatch + SWATCH / figure.get_figwidth(), y_text, label.text)


def write(
    axes: Axes,
    text: str,
    place: tuple[float, float],
    points: tuple[float, float] = (0, 0),
    coordinates: Transform | str = "data",
    **look: Any,
) -> Annotation:
    """Write ``text`` so many points right of a place and above it."""
    look = {"size": TEXT_POINTS, "va": "center_baseline", "label": DIRECT, **look}
    look.setdefault("annotation_clip", False)
    return axes.annotate(
        text, place, points, xycoords=coordinates, textcoords="offset points", **look
    )


def write_beside(
    axes: Axes,
    place: tuple[float, float],
    inches: float,
    text: str,
    side: Literal["left", "right"],
    **look: Any,
) -> Annotation:
    """Write ``text`` so many inches right of a place, given as share of the width and row."""
    return write(axes, text, place, (72 * inches, 0), axes.get_yaxis_transform(), ha=side, **look)


def _write(figure: Figure, x: float, y: float, text: str) -> None:
    figure.text(x, y, text, size=TEXT_POINTS, va="center_baseline", label=DIRECT)


def _clusters(
    axes: Axes, labels: Sequence[Label], widths: Sequence[float]
) -> tuple[list[list[int]], float]:
    """Groups of points whose columns hide neither each other nor another group's points.

    Beside them, by how much the columns exceed the room right of the axes.
    """
    points, frame = _pixels(axes, labels), axes.get_window_extent()
    right = (figure_of(axes).get_figwidth() - MARGIN) * DPI
    clusters = [[i] for i in range(len(points))]
    while True:
        boxes = [_column_box(cluster, points, widths, frame) for cluster in clusters]
        for one, other in itertools.permutations(range(len(clusters)), 2):
            if boxes[one].overlaps(boxes[other]) or _hides(boxes[one], points[clusters[other]]):
                clusters[min(one, other)] += clusters.pop(max(one, other))
                break
        else:
            return clusters, max(box.x1 for box in boxes) - right


def _column_box(
    cluster: Sequence[int], points: Pixels, widths: Sequence[float], frame: Bbox
) -> Bbox:
    """The box of a cluster's texts, with their markers if there is more than one."""
    members = points[list(cluster)]
    line, heights = LINE_INCHES * DPI, _heights(members, frame)
    before = MARKER / 2 if len(cluster) == 1 else LEADER - MARKER / 2
    left = members[:, 0].max() + before * DPI
    right = left + (SWATCH + MARKER) * DPI + max(widths[i] for i in cluster)
    return Bbox.from_extents(left, min(heights) - line / 2, right, max(heights) + line / 2)


def _hides(box: Bbox, points: Pixels) -> bool:
    half = MARKER / 2 * DPI
    return any(box.overlaps(Bbox.from_extents(*(p - half), *(p + half))) for p in points)

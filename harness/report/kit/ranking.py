"""The panel beside lines that lie close together: each method's figure at one batch size, in order.

It is the lines' key, too. Sizes are inches.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from samfit.harness.report.kit.describe import short_number
from samfit.harness.report.kit.frame import MARGIN, TEXT_POINTS, text_inches
from samfit.harness.report.kit.labels import write_beside
from samfit.harness.report.kit.select import Series, usual_batch_size
from samfit.harness.report.kit.style import MethodStyle

ROW, STEMS = 0.25, 1.3  # height of one, width of all
GAP, BESIDE_STEM, BESIDE_MARKER = 0.24, 0.1, 0.12


class Ranking(NamedTuple):
    """Methods by their figures at one batch size.

    Attributes:
        batch: that batch size.
        series: all methods, the one with the highest figure first, those without one last.
        figures: by label.
    """

    batch: int
    series: list[Series]
    figures: dict[str, float]

    @property
    def height(self) -> float:
        """What the rows need."""
        return ROW * len(self.series)

    @property
    def width(self) -> float:
        """What the panel needs right of the lines."""
        return GAP + self.labels_width + BESIDE_STEM + STEMS + self.numbers_width + MARGIN

    @property
    def labels_width(self) -> float:
        """Of the column of labels."""
        return text_inches([series.label for series in self.series], TEXT_POINTS)

    @property
    def numbers_width(self) -> float:
        """Of the column of figures, with the space before it."""
        return BESIDE_MARKER + text_inches([*map(short_number, self.figures.values())], TEXT_POINTS)


def rank(shown: Sequence[Series], curves: Mapping[str, Mapping[int, float]]) -> Ranking:
    """The ranking of ``shown``, whose figures ``curves`` gives by label and batch size."""
    batch = usual_batch_size([batch for curve in curves.values() for batch in curve])
    figures = {label: curve[batch] for label, curve in curves.items() if batch in curve}
    ordered = sorted(shown, key=lambda series: figures.get(series.label, -1), reverse=True)
    return Ranking(batch, ordered, figures)


def draw_ranking(
    lines: Axes, ranking: Ranking, styles: Mapping[str, MethodStyle], unit: str
) -> Axes:
    """Draw a stem a method, from zero to its figure, between its label and the figure in digits.

    The room right of ``lines`` must be as wide as the ranking says.

    Returns:
        the new axes, in which the rows are at 0, 1, ... from the top.
    """
    figure = lines.get_figure(root=True)
    assert figure is not None
    box, total = lines.get_position(), figure.get_figwidth()
    left = box.x1 + (GAP + ranking.labels_width + BESIDE_STEM) / total
    axes = figure.add_axes((left, box.y0, STEMS / total, box.height))
    axes.set_ylim(len(ranking.series) - 0.5, -0.5)
    axes.set_yticks([])
    axes.xaxis.set_major_locator(MaxNLocator(3))
    axes.set_xlabel(f"{unit} at batch size {ranking.batch}")
    to_numbers = ranking.numbers_width
    for row, series in enumerate(ranking.series):
        length = ranking.figures.get(series.label, 0)
        stem = styles[series.label].line()
        (line,) = axes.plot([0, length], [row, row], **stem, markevery=[1], clip_on=False)
        line.sticky_edges.x.append(0)  # no margin there
        write_beside(axes, (0, row), -BESIDE_STEM, series.label, "right")
        if series.label in ranking.figures:
            write_beside(axes, (1, row), to_numbers, short_number(length), "right")
        else:
            write_beside(axes, (0, row), BESIDE_MARKER, _why_missing(series, ranking.batch), "left")
    return axes


def _why_missing(series: Series, batch: int) -> str:
    failed = any(r.status == "oom" for r in series.records if r.cell.batch_size == batch)
    return "out of memory" if failed else "no figure"

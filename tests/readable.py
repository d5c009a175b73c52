"""What every figure must be: nothing hides anything, and nothing is cut off."""

from itertools import combinations

from matplotlib.figure import Figure
from synthetic_records import direct_labels


def assert_no_overlap(figure: Figure) -> None:
    """No label that a plot writes itself lies on another."""
    boxes = [label.get_window_extent() for label in direct_labels(figure)]
    for one, other in combinations(boxes, 2):
        assert not one.overlaps(other), (one, other)


def assert_nothing_is_clipped(figure: Figure) -> None:
    """Everything lies within the figure."""
    drawn, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    assert drawn.x0 >= 0 and drawn.y0 >= 0 and drawn.x1 <= width and drawn.y1 <= height, drawn

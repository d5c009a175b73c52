import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from samfit.harness.miniature.shapes import circle, fill, place, softened, tube, within

SQUARE = np.array([[0.25, 0.25], [0.75, 0.25], [0.75, 0.75], [0.25, 0.75]])


def area(outline):
    x, y = outline.T
    return abs(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))) / 2


@settings(deadline=None)
@given(width=st.floats(0.05, 0.3), angle=st.floats(0, 6.28))
def test_a_tube_along_a_straight_line_is_a_rectangle(width, angle):
    line = 0.5 + np.linspace(-0.3, 0.3, 9)[:, None] * [np.cos(angle), np.sin(angle)]
    outline = tube(line, np.full(9, width))
    assert area(outline) == pytest.approx(0.6 * width)
    assert fill([outline]).mean() == pytest.approx(0.6 * width, rel=0.1)


def test_softening_cuts_corners_off_and_stays_within():
    soft = softened(SQUARE)
    assert 0.8 * area(SQUARE) < area(soft) < area(SQUARE)
    assert (soft >= 0.25).all() and (soft <= 0.75).all()
    sides = np.roll(soft, -1, axis=0) - soft
    turns = np.arctan2(sides[:, 1], sides[:, 0])
    assert np.abs(np.angle(np.exp(1j * np.diff(turns)))).max() < np.pi / 4


@settings(deadline=None)
@given(radius=st.floats(0.1, 0.4))
def test_a_mask_holds_the_pixels_that_are_mostly_covered(radius):
    mask = within(fill([place(circle(), np.full(2, 0.5), np.full(2, radius), 0)]))
    assert mask.dtype == np.uint8
    assert mask.max() == 1
    assert mask.mean() == pytest.approx(np.pi * radius**2, rel=0.08)

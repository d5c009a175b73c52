import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from samfit.harness.miniature.light import cast, displaced, over, shaded

RNG = np.random.default_rng(0)
PICTURE = RNG.random((32, 32, 3), np.float32)
DISC = (np.hypot(*(np.mgrid[:64, :64] - 31.5)) < 20).astype(np.float32)


def test_what_covers_hides_and_what_does_not_shows():
    top = np.ones(3, np.float32)
    assert np.array_equal(over(PICTURE, top, np.zeros((32, 32), np.float32)), PICTURE)
    np.testing.assert_allclose(over(PICTURE, top, np.ones((32, 32), np.float32)), 1, rtol=1e-6)


def test_a_height_is_lit_from_the_upper_left():
    hill = np.exp(-(np.hypot(*(np.mgrid[:64, :64] - 31.5)) ** 2) / 200)
    light = shaded(hill, 4)
    assert light[24, 24] > 1 > light[40, 40]
    assert light[31:33, 31:33].mean() == pytest.approx(1, abs=1e-3)


def test_a_shadow_falls_down_and_to_the_right():
    shadow = cast(DISC, 10, 1)
    rows, columns = (shadow > 0.5).nonzero()
    assert rows.mean() == pytest.approx(41.5, abs=0.5)
    assert columns.mean() == pytest.approx(41.5, abs=0.5)
    assert shadow[:8].max() < 1e-3  # nothing comes in on the other side
    assert cast(np.ones((64, 64), np.float32), 10, 1)[:5].max() < 1e-3


@settings(deadline=None)
@given(down=st.integers(-9, 9), right=st.integers(-9, 9))
def test_an_even_displacement_is_a_shift(down, right):
    seen = displaced(PICTURE, np.full((32, 32), down), np.full((32, 32), right))
    assert np.array_equal(
        seen[10:20, 10:20], PICTURE[10 + down : 20 + down, 10 + right : 20 + right]
    )
    assert set(np.unique(seen)) <= set(np.unique(PICTURE))

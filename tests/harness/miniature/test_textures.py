import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from samfit.harness.miniature.textures import (
    SIDE,
    TEXTURES,
    Tones,
    clouds,
    equalised,
    mixed,
    paint,
    swells,
)

few = settings(max_examples=20, deadline=None)
seeds = st.integers(0, 2**32)


@few
@given(seed=seeds, kind=st.sampled_from([*TEXTURES, lambda rng: swells(rng, 6)]))
def test_fields_have_the_same_brightness_and_contrast(seed, kind):
    field = kind(np.random.default_rng(seed))
    assert field.shape == (SIDE, SIDE)
    assert 0 <= field.min() < field.max() <= 1
    assert field.mean() == pytest.approx(0.5, abs=0.08)
    assert field.std() == pytest.approx(0.29, abs=0.1)


@few
@given(seed=seeds, share=st.floats(0, 1))
def test_a_mixture_is_a_field(seed, share):
    rng = np.random.default_rng(seed)
    one, other = clouds(rng), swells(rng, 8)
    field = mixed(one, other, share)
    assert field.mean() == pytest.approx(0.5, abs=0.08)
    nearer = other if share > 0.5 else one
    assert np.corrcoef(field.flat, nearer.flat)[0, 1] > 0.5


@few
@given(seed=seeds)
def test_equalised_values_are_spread_evenly_where_asked(seed):
    rng = np.random.default_rng(seed)
    where = rng.random((SIDE, SIDE)) < 0.3
    spread = np.sort(equalised(clouds(rng) + 3 * where, where)[where])
    assert np.abs(spread - np.linspace(0, 1, len(spread))).max() < 0.02


def test_swells_are_as_many_as_asked():
    rng = np.random.default_rng(0)
    changes = [np.abs(np.diff(swells(rng, waves))).mean() for waves in (2, 6, 20)]
    assert changes[0] * 2 < changes[1]
    assert changes[1] * 2 < changes[2]


@few
@given(seed=seeds)
def test_tones_run_from_dark_to_light(seed):
    tones = Tones(hue=(0.2, 0.3), saturation=(0.1, 0.2), brightness=(0.2, 0.6))
    colours = tones.draw(np.random.default_rng(seed))
    assert (np.diff(colours.mean(1)) > 0).all()
    assert colours[0].mean() == pytest.approx(0.2, rel=0.16)
    assert colours[1].argmax() == 1  # green
    picture = paint(np.array([[0, 1]], np.float32), colours)
    np.testing.assert_allclose(picture[0], colours[[0, -1]], rtol=1e-6)

"""Objects that may overlap come back from layers as they were."""

import numpy as np
from hypothesis import given, settings, strategies as st

from samfit.harness.data.masks.layers import layers


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 999), count=st.integers(0, 8), apart=st.booleans())
def test_each_object_comes_back(seed, count, apart):
    rng = np.random.default_rng(seed)
    owner = rng.integers(0, count + 1, (6, 7))
    objects = [owner == k + 1 if apart else rng.random((6, 7)) < 0.3 for k in range(count)]
    found = layers(iter(objects), (6, 7))
    assert found.dtype == np.int32
    assert found.shape[1:] == (6, 7)
    for index, inside in enumerate(objects):
        np.testing.assert_array_equal((found == index + 1).any(0), inside)
    assert 1 <= len(found) <= max(1, count)
    assert not apart or len(found) == 1


def test_ids_may_be_given_and_layers_are_few():
    left, right = np.eye(2, dtype=bool)[:, None]
    both = np.ones((1, 2), bool)
    assert layers([left, right], (1, 2), [7, 9]).tolist() == [[[7, 9]]]
    assert layers([left, both, right], (1, 2)).tolist() == [[[1, 3]], [[2, 2]]]
    assert layers([], (1, 2)).tolist() == [[[0, 0]]]

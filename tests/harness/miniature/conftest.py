"""Sixteen drawings of each task, drawn once."""

from functools import cache

import numpy as np
import pytest

from samfit.harness.miniature.tasks import TASKS


@cache
def _drawings(name):
    return [TASKS[name].draw(np.random.default_rng([1, index])) for index in range(16)]


@pytest.fixture
def drawings():
    """Gives the images in 0..1, (n, 256, 256, 3), and the masks, (n, 256, 256), of a task."""

    def of(name):
        images, masks = zip(*_drawings(name), strict=True)
        return np.array(images) / 255, np.array(masks)

    return of

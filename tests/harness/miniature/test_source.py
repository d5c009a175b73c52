import numpy as np
import pytest

from samfit.harness.miniature.source import CAMOUFLAGED, PLAIN, SUBTLE, box_of, draw_scene


@pytest.mark.parametrize("mix", [PLAIN, SUBTLE, CAMOUFLAGED])
@pytest.mark.parametrize("seed", range(6))
def test_a_scene_shows_objects_that_do_not_overlap(seed, mix):
    scene = draw_scene(np.random.default_rng(seed), mix)
    assert scene.image.shape == (256, 256, 3)
    assert scene.image.dtype == scene.masks.dtype == np.uint8
    assert 1 <= len(scene.masks) <= 4
    assert scene.masks.sum(0).max() == 1
    assert scene.masks.sum((1, 2)).min() > 0.01 * 256**2, "an object that is next to nothing"


def test_a_box_is_tight_without_jitter_and_near_with_it():
    mask = np.zeros((64, 64), np.uint8)
    mask[10:20, 30:50] = 1
    assert box_of(mask, np.random.default_rng(0)).tolist() == [30, 10, 50, 20]
    jittered = box_of(mask, np.random.default_rng(0), 4)
    assert 0 < np.abs(jittered - [30, 10, 50, 20]).max() <= 4

import numpy as np
import pytest
from user_error import user_error

from samfit.harness.miniature.dataset import Drawn, miniature
from samfit.harness.miniature.tasks import TASKS

# Mean red, green and blue, and share of foreground, of test image 000 as drawn with numpy 2.3,
# scipy 1.17 and Pillow 13. Trained scores are comparable only while these stay.
AS_PUBLISHED = {
    "camouflage": ((71.7, 83.1, 89.6), 0.142),
    "shadow": ((107.5, 104.3, 103.2), 0.262),
    "polyp": ((171.4, 122.6, 101.0), 0.245),
    "lesion": ((180.1, 149.1, 136.7), 0.246),
    "leaf_disease": ((106.3, 100.0, 68.4), 0.075),
    "road": ((93.7, 98.4, 81.6), 0.085),
    "transparent": ((128.2, 123.6, 120.8), 0.266),
}


@pytest.mark.parametrize("name", TASKS)
def test_drawings_stay_what_they_were(name):
    image, mask = Drawn(name, "test", 0).read()
    colour, share = AS_PUBLISHED[name]
    assert image.mean((0, 1)) == pytest.approx(colour, abs=0.5)
    assert (mask > 0).mean() == pytest.approx(share, abs=0.003)


@pytest.mark.parametrize("name", TASKS)
def test_a_task_is_a_data_set(name):
    data = miniature(name, train=3, val=1, test=2)
    assert data.name == f"miniature {name}"
    assert (data.classes, data.class_names) == (TASKS[name].classes, TASKS[name].class_names)
    assert [len(split) for split in (data.train, data.val, data.test)] == [3, 1, 2]
    names = [example.name for example in (*data.train, *data.val, *data.test)]
    assert len(set(names)) == 6 and names[2] == f"{name}/train/002"


def test_a_drawing_depends_on_its_name_alone():
    image, mask = Drawn("lesion", "test", 7).read()
    seed = [*b"lesion/test/007"]
    drawn, drawn_mask = TASKS["lesion"].draw(np.random.default_rng(seed))
    assert np.array_equal(image, drawn)
    assert np.array_equal(mask, drawn_mask)


def test_what_a_reader_does_to_a_drawing_does_not_last():
    example = Drawn("polyp", "val", 0)
    before = [part.copy() for part in example.read()]
    for part in example.read():
        part[:] = 0
    assert all(np.array_equal(a, b) for a, b in zip(before, example.read(), strict=True))


def test_a_misspelt_task_is_named():
    with user_error("'rode'", "'road'"):
        miniature("rode")

import numpy as np
import pytest
from user_error import user_error

from harness.miniature.dataset import Drawn, miniature
from harness.miniature.tasks import TASKS


@pytest.mark.parametrize("name", TASKS)
def test_a_task_is_a_data_set(name):
    data = miniature(name, train=3, val=1, test=2)
    assert data.name == f"miniature {name}"
    assert (data.classes, data.class_names) == (TASKS[name].classes, TASKS[name].class_names)
    assert [len(split) for split in (data.train, data.val, data.test)] == [3, 1, 2]
    assert data.train[2].name == f"{name}/train/002"


def test_splits_have_nothing_in_common():
    data = miniature("shadow", train=4, val=4, test=4)
    drawings = {e.read()[0].tobytes() for e in (*data.train, *data.val, *data.test)}
    assert len(drawings) == 12


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

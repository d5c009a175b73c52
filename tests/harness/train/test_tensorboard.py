"""What TensorBoard is shown, and that it is no requirement."""

import sys

import pytest

from samfit.harness.record.history import History
from samfit.harness.train.tensorboard import TensorBoard


def scalars(folder):
    """By tag, every step and value that was written."""
    accumulators = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    found = {}
    for file in sorted((folder / "tensorboard").iterdir()):
        events = accumulators.EventAccumulator(str(file))
        events.Reload()
        for tag in events.Tags()["scalars"]:
            for event in events.Scalars(tag):
                found.setdefault(tag, []).append((event.step, event.value))
    return found


HISTORY = History(
    losses=[0.5, 0.25, 0.125, 0.75],
    validations=[{"step": 2, "iou": 0.5, "dice": 0.625}, {"step": 4, "iou": 0.75, "dice": 0.875}],
)


def until(steps):
    """``HISTORY`` after so many steps."""
    return History(
        losses=HISTORY.losses[:steps],
        validations=[scores for scores in HISTORY.validations if scores["step"] <= steps],
    )


EVERYTHING = {
    "loss": [(1, 0.5), (2, 0.25), (3, 0.125), (4, 0.75)],
    "validation/iou": [(2, 0.5), (4, 0.75)],
    "validation/dice": [(2, 0.625), (4, 0.875)],
}


def test_losses_and_scores_are_shown_at_their_steps(tmp_path):
    pytest.importorskip("tensorboard")
    with TensorBoard(tmp_path, 0) as board:
        for steps in (1, 2, 3, 4):
            board.show(until(steps))
    assert scalars(tmp_path) == EVERYTHING


def test_a_training_that_resumes_shows_what_is_new(tmp_path):
    pytest.importorskip("tensorboard")
    for done, steps in ((0, (1, 2)), (2, (3, 4))):
        with TensorBoard(tmp_path, done) as board:
            for step in steps:
                board.show(until(step))
    assert scalars(tmp_path) == EVERYTHING


def test_it_does_nothing_without_the_library(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with TensorBoard(tmp_path, 0) as board:
        board.show(HISTORY)
    assert list(tmp_path.iterdir()) == []

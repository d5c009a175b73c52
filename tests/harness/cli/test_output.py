"""Progress where there is no terminal: plain lines, some at first and fewer later."""

import io
import itertools

import pytest
from rich.console import Console

from samfit.harness.cli import output
from samfit.harness.cli.output import Bars


@pytest.fixture
def log(monkeypatch):
    """A file in place of the terminal, and a clock: each item takes so many seconds."""
    file = io.StringIO()
    monkeypatch.setattr(output, "messages", Console(file=file))

    def track(count, seconds, total=None, what="epoch 1 of 2, loss 0.5"):
        clock = itertools.count(0, seconds)
        monkeypatch.setattr(output.time, "monotonic", lambda: next(clock))
        assert list(Bars().track(range(count), total or count, what)) == list(range(count))
        return file.getvalue().splitlines()

    return track


def test_short_work_is_silent(log):
    assert log(9, 1) == []


def test_a_line_says_what_is_done_how_far_it_is_and_how_long_it_takes(log):
    lines = log(25, 1)
    assert lines == [
        "epoch 1 of 2, loss 0.5: 10 of 25, 0:00:15 left",
        "epoch 1 of 2, loss 0.5: 20 of 25, 0:00:05 left",
        "epoch 1 of 2, loss 0.5: 25 of 25",
    ]


def test_long_work_fills_no_file(log):
    lines = log(10_000, 10)  # more than a day
    assert 300 < len(lines) < 500
    assert lines[0] == "epoch 1 of 2, loss 0.5: 1 of 10,000, 1 day, 3:46:30 left"
    assert lines[-1].endswith("10,000 of 10,000")


def test_work_that_ends_early_says_where(log):
    assert log(12, 1, total=50)[-1].endswith(": 12 of 50")

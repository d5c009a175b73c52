"""The report of a program, from what its processes have written."""

import pytest

from samfit.harness.device.cards import find_card
from samfit.harness.program.inside.recording import History, Recording, Section
from samfit.harness.program.launch import Ended
from samfit.harness.program.reporting import report_of
from samfit.units import GIB

CARD = find_card("RTX 3090")
READ = {"file": "a.py", "line": 3, "function": "f", "what": "x", "told": "1.0", "known": False}


def process(rank: int, device: int = 0, reserved: int = GIB, visible: str = "0,1") -> Recording:
    section = Section("training", 3, 0, reserved, reserved, True)
    words = ["temporaries", "", "forward"]
    history = History(device, [(0, -1, 512, 0, 1, 2, 1)], words, [(0, 2)], [section], 1)
    recording = Recording(pid=rank, arguments=[], rank=rank, steps=3, stopped=True)
    recording.histories, recording.visible = [history], visible
    recording.reads = [{**READ, "times": 2}]
    return recording


def report(*recordings: Recording):
    logs = {each.pid: ["python 3", "torch 2", "cuda 2", "step 3", "told"] for each in recordings}
    return report_of(Ended(None, False, 1.0, logs, list(recordings)), ["a.py"], CARD, 3)


def test_what_ranks_read_is_told_once():
    (read,) = report(process(0), process(1, 1)).reads
    assert read.times == 4


@pytest.mark.parametrize(("second", "visible"), [(1, "0,1"), (0, "1")])
def test_cards_are_told_apart_by_what_each_rank_sees(second, visible):
    found = report(process(0), process(1, second, visible=visible))
    assert [each.device for each in found.cards] == [0, 1]
    assert found.verdict == "fits"


def test_ranks_that_share_a_card_have_to_fit_it_together():
    small, large = 2 * GIB, 20 * GIB
    assert report(process(0, 0, small), process(1, 0, small)).verdict == "fits"
    found = report(process(0, 0, large), process(1, 0, large))
    assert found.exit_code == 1
    assert "2 processes share card 0" in found.message
    assert "set_device" in found.message


def test_what_was_refused_on_the_way_is_said():
    tried = process(0)
    tried.refused = 2
    assert "On the way 2 requests for memory could not be served." in report(tried).message
    assert "On the way" not in report(process(0)).message

"""From PyTorch's history and notes to the life of allocations."""

import pytest

from samfit.harness.program.inside import ledger as room
from samfit.harness.program.inside.ledger import Claim, Ledger


class Played:
    """A device whose allocations a test makes itself."""

    def __init__(self, monkeypatch) -> None:
        self.entries, self.count = [], 0
        monkeypatch.setattr(room, "own_stats", self._stats)
        self.ledger = Ledger(0)

    def _stats(self, device):
        return {"allocation": {"all": {"allocated": self.count, "freed": 0}}}

    def alloc(self, address, nbytes=512, *frames):
        self._add("alloc", addr=address, size=nbytes, frames=list(frames))

    def free(self, address):
        self._add("free_requested", addr=address, size=0)
        self.entries.append({"action": "free_completed", "addr": address})

    def _add(self, action, **entry):
        self.entries.append({"action": action, **entry})
        self.count += 1

    def rows(self):
        self.ledger.take(self.entries)
        self.entries = []
        found = self.ledger.finish()
        return [
            (born, died, nbytes, *(found.words[number] for number in numbers))
            for born, died, nbytes, *numbers in found.allocations
        ]


@pytest.fixture
def played(monkeypatch):
    return Played(monkeypatch)


def frame(file, line=1):
    return {"filename": file, "line": line, "name": "f"}


def test_an_allocation_has_its_phase_module_and_line(played):
    played.ledger.note("forward", "blocks.0")
    played.alloc(100, 512, frame("/site-packages/torch/nn/linear.py"), frame("train.py", 7))
    played.ledger.note(None, "blocks.1")
    played.alloc(200)
    played.free(100)
    assert played.rows() == [
        (0, 2, 512, "temporaries", "blocks.0", "forward", "train.py:7"),
        (1, -1, 512, "temporaries", "blocks.1", "forward", ""),
    ]


def test_what_forward_leaves_alive_is_saved_for_backward_but_what_is_claimed(played):
    played.ledger.note("forward", "")
    played.alloc(1)
    played.alloc(2)
    played.alloc(3)
    played.free(3)
    played.ledger.note(None, None, [Claim(2, "weights_frozen", "head")])
    played.ledger.note("backward")
    played.alloc(4)
    categories = [row[3:5] for row in played.rows()]
    assert categories == [
        ("saved_activations", ""),
        ("weights_frozen", "head"),
        ("temporaries", ""),
        ("temporaries", ""),
    ]


def test_what_is_there_before_the_model_runs_is_its_input(played):
    played.ledger.note("loading")
    played.alloc(1)
    played.ledger.note("forward")
    assert [row[3] for row in played.rows()] == ["inputs"]


def test_a_claim_is_of_what_lies_at_the_address_then(played):
    played.alloc(1)
    played.free(1)
    played.alloc(1)
    played.ledger.note(None, None, [Claim(1, "gradients", "")])
    played.free(1)
    played.alloc(1)
    assert [row[3] for row in played.rows()] == ["temporaries", "gradients", "temporaries"]


def test_buckets_are_what_the_reducer_of_ranks_makes(played):
    played.alloc(1, 512, frame("/site-packages/torch/nn/parallel/distributed.py"), frame("a.py", 3))
    assert played.rows()[0][3] == "gradient_buckets"


def test_histories_that_are_read_in_parts_join(played):
    played.alloc(1)
    played.ledger.note("forward", "a")
    assert len(played.rows()) == 1
    played.alloc(2)
    played.free(1)
    assert [row[:2] for row in played.rows()] == [(0, 2), (1, -1)]
    assert played.rows()[1][4] == "a"

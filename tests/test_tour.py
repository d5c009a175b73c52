"""The walk of docs/tour.md is the walk of a Cell."""

import re
from pathlib import Path

import pytest
from rehearsed import walk as rehearsed_walk

TOUR = (Path(__file__).parents[1] / "docs" / "tour.md").read_text(encoding="utf-8")
STOPS = re.findall(r"^\| \d+ \| `([\w/.]+)` \| `(\w+)` \|", TOUR, re.M)


@pytest.fixture
def walk(stage) -> list[tuple[str, str]]:
    """Every function of samfit that the command calls, in the order of the first calls."""
    return [
        tuple(stop) for stop in stage.run(rehearsed_walk, "predict", "cad", "--batch-size", "4")
    ]


def test_the_stops_are_passed_in_their_order(walk):
    assert [stop for stop in walk if stop in STOPS] == STOPS
    assert len(STOPS) > 15

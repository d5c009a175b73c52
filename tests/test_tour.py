"""The walk of docs/tour.md is the walk of a Cell."""

import re
import sys
from pathlib import Path
from types import CodeType

import pytest

from samfit.files import PACKAGE
from samfit.harness.cli.main import main
from samfit.harness.predict import predict  # what importing runs is no part of the walk

TOUR = (Path(__file__).parents[1] / "docs" / "tour.md").read_text(encoding="utf-8")
STOPS = re.findall(r"^\| \d+ \| `([\w/.]+)` \| `(\w+)` \|", TOUR, re.M)


@pytest.fixture(scope="module")
def walk() -> list[tuple[str, str]]:
    """Every function of samfit that the command calls, in the order of the first calls."""
    assert predict
    seen: dict[CodeType, None] = {}

    def note(frame, event, _):
        seen.setdefault(frame.f_code)

    before = sys.gettrace()
    arguments, sys.argv = sys.argv, ["samfit", "predict", "cad", "--batch-size", "4"]
    sys.settrace(note)
    try:
        with pytest.raises(SystemExit):
            main()
    finally:
        sys.settrace(before)
        sys.argv = arguments
    ours = [code for code in seen if code.co_filename.startswith(str(PACKAGE))]
    return [(Path(c.co_filename).relative_to(PACKAGE).as_posix(), c.co_name) for c in ours]


def test_the_stops_are_passed_in_their_order(walk):
    assert [stop for stop in walk if stop in STOPS] == STOPS
    assert len(STOPS) > 15

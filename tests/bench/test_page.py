"""How long a page takes to open."""

import pytest
from synthetic_records import predicted

from samfit.bench.page import CHROMIUM, opening

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")
def test_says_what_was_opened_and_how_long_it_took():
    figures = opening([predicted(batch_size=size) for size in (1, 2)], rounds=2)
    assert figures["cells"] == 2
    assert 0 < figures["megabytes"] < 5
    p10, median, p90 = (figures[f"opening_ms_{which}"] for which in ("p10", "median", "p90"))
    assert 0 < p10 <= median <= p90

"""The page on published figures, and the README's part of it, say what is found."""

import re
from pathlib import Path

import pytest
from predictions import predicted_once

from samfit import Cell

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "published.md").read_text(encoding="utf-8")
TABLE = (ROOT / "results" / "published" / "table.md").read_text(encoding="utf-8").splitlines()
FIGURE = re.compile(r"^\| [^|]+ \[\d+\] *\|.*$", re.M)

BATCHES = (1, 2, 4, 8, 16)
CAD, THEIRS = {"adapter": "cad"}, {"adapter": "sam_adapter", "settings": {"variant": "cad"}}
SDPA = {"attention": "sdpa"}
# What the three rows of CAD's share have in common, and what CAD has besides.
CONDITIONS = (({}, {}), (SDPA, {}), (SDPA, {"settings": {"lean": True}}))
SHARES = re.findall(r"(\d\.\d\d) / (\d\.\d\d)", PAGE.partition("both with")[2])


@pytest.mark.parametrize(("page", "count"), [("README.md", 14), ("docs/published.md", 28)])
def test_figures_stand_on_the_page_as_in_the_stored_tables(page, count):
    rows = FIGURE.findall((ROOT / page).read_text(encoding="utf-8"))
    assert len(rows) == count
    assert [row for row in rows if row not in TABLE] == []


def peaks(**fields):
    memory = predicted_once(Cell(**fields)).memory
    return memory.peak_allocated_bytes, memory.peak_reserved_bytes


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("row", range(len(CONDITIONS)))
def test_cads_share_of_sam_adapters_memory_is_current(row, batch):
    both, extra = CONDITIONS[row]
    ours = peaks(**CAD, **both, **extra, batch_size=batch)
    theirs = peaks(**THEIRS, **both, batch_size=batch)
    said = SHARES[row * len(BATCHES) + BATCHES.index(batch)]
    assert said == tuple(f"{a / b:.2f}" for a, b in zip(ours, theirs, strict=True))


def test_no_other_share_stands_there():
    assert len(SHARES) == len(CONDITIONS) * len(BATCHES)


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#:]+)\)", PAGE))
def test_links_lead_somewhere(link):
    assert (ROOT / "docs" / link).exists()

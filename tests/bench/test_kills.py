"""Killing a sweep again and again: what counts as lost."""

from dataclasses import replace

import pytest
from synthetic_records import measured, predicted

from samfit.bench.kills import check_kept, check_same, without_times
from samfit.errors import UserError


@pytest.mark.parametrize("keys", [["a"], ["a", "c", "b"], ["a", "b", "b"], []])
def test_a_cell_that_is_lost_moved_or_there_twice_is_found(keys):
    with pytest.raises(UserError, match="lost or there twice"):
        check_kept(["a", "b"], keys)


@pytest.mark.parametrize("keys", [["a", "b"], ["a", "b", "c"]])
def test_cells_may_only_be_added(keys):
    check_kept(["a", "b"], keys)


def test_only_times_may_differ():
    records = [predicted("lora"), measured("cad", 4, 10)]
    later = [replace(r, started="2021-01-01T00:00:00+00:00") for r in reversed(records)]
    check_same(without_times(later), without_times(records))
    heavier = replace(records[0], memory=replace(records[0].memory, peak_allocated_bytes=1))
    with pytest.raises(UserError, match="a record differs"):
        check_same(without_times([heavier, records[1]]), without_times(records))

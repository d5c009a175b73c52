import numpy as np
import pytest
from hypothesis import given, strategies as st
from synthetic_records import predicted

from samfit.adapters.core.registry import adapter_names
from samfit.harness.report.kit.labels import spread
from samfit.harness.report.kit.select import Series, series_of
from samfit.harness.report.kit.style import method_styles

positions = st.lists(st.floats(-100, 100), min_size=1, max_size=20)


@pytest.mark.parametrize(
    ("wanted", "gap", "placed"),
    [([30, 0, 10], 5, [30, 0, 10]), ([10, 10], 4, [8, 12]), ([99, 100], 4, [96, 100])],
    ids=["they do not overlap", "moved apart by equal parts", "within the limits"],
)
def test_labels_move_no_further_than_they_must(wanted, gap, placed):
    assert spread(wanted, gap=gap, low=0, high=100) == pytest.approx(placed)


@given(positions)
def test_spread_keeps_gaps_order_and_limits(wanted):
    placed = spread(wanted, gap=10, low=-200, high=200)
    in_order = np.array(placed)[np.argsort(wanted, kind="stable")]
    assert np.all(np.diff(in_order) >= 10 - 1e-6)
    assert min(placed) >= -200 and max(placed) <= 200 + 1e-6


def test_every_adapter_has_a_look_of_its_own_whatever_else_is_shown():
    shown = [
        Series(adapter=name, label=name, serial=True, records=(predicted(name),))
        for name in (*adapter_names(), "somebody's", "another's")
    ]
    together = method_styles(shown)
    assert len(set(together.values())) == len(shown)
    for one in shown[:-2]:
        assert method_styles([one]) == {one.label: together[one.label]}


def test_variants_share_a_colour_and_kinds_differ_in_marker_and_line():
    serial, parallel = predicted("lora", serial=True), predicted("cad")
    shown = series_of([serial, predicted("lora", serial=True, settings={"rank": 8}), parallel])
    styles = method_styles(shown)
    plain, variant, other = (styles[one.label] for one in shown)
    assert plain.colour == variant.colour and plain.fill != variant.fill
    assert all(plain.line()[key] != other.line()[key] for key in ("marker", "linestyle"))

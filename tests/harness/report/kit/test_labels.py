import numpy as np
import pytest
from hypothesis import given, strategies as st
from synthetic_records import predicted

from samfit.adapters.core.registry import adapter_names
from samfit.harness.report.kit.labels import spread
from samfit.harness.report.kit.select import Series, series_of
from samfit.harness.report.kit.style import LOOKS, method_styles

positions = st.lists(st.floats(-100, 100), min_size=1, max_size=20)


def test_spread_leaves_what_does_not_overlap():
    assert spread([30, 0, 10], gap=5, low=0, high=100) == [30, 0, 10]


def test_spread_moves_neighbours_apart_by_equal_parts():
    assert spread([10, 10], gap=4, low=0, high=100) == pytest.approx([8, 12])


def test_spread_stays_within_the_limits():
    assert spread([99, 100], gap=4, low=0, high=100) == pytest.approx([96, 100])


@given(positions)
def test_spread_keeps_gaps_order_and_limits(wanted):
    placed = spread(wanted, gap=10, low=-200, high=200)
    in_order = np.array(placed)[np.argsort(wanted, kind="stable")]
    assert np.all(np.diff(in_order) >= 10 - 1e-6)
    assert min(placed) >= -200 and max(placed) <= 200 + 1e-6


def test_every_adapter_has_a_look_of_its_own_whatever_else_is_shown():
    shown = [
        Series(adapter=name, label=name, serial=True, records=(predicted(name),))
        for name in adapter_names()
    ]
    together = method_styles(shown)
    assert len(set(together.values())) == len(shown)
    for one in shown:
        assert method_styles([one]) == {one.label: together[one.label]}


def test_styles_are_stable_and_differ_within_a_plot():
    names = [*LOOKS, "somebody's", "another's"]
    shown = [Series(adapter=n, label=n, serial=True, records=(predicted(n),)) for n in names]
    styles = method_styles(shown)
    assert len(set(styles.values())) == len(names)
    assert styles["cad"] == method_styles([s for s in shown if s.adapter == "cad"])["cad"]


def test_variants_share_the_colour_of_their_method():
    shown = series_of([predicted("lora"), predicted("lora", settings={"rank": 8})])
    plain, variant = method_styles(shown).values()
    assert plain.colour == variant.colour
    assert plain.fill != variant.fill


def test_serial_and_parallel_differ_in_marker_and_line():
    shown = series_of([predicted("lora", serial=True), predicted("cad", serial=False)])
    serial, parallel = (style.line() for style in method_styles(shown).values())
    assert serial["marker"] != parallel["marker"]
    assert serial["linestyle"] != parallel["linestyle"]

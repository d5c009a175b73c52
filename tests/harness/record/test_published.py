"""Published figures are facts that agree with themselves."""

from collections import Counter

import pytest

from samfit.harness.memory.figures import Exhausted, Outcome
from samfit.harness.record.published import Comparison, Published, published
from samfit.units import GIB, MIB

FIGURES = published()


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.what)
def test_a_figure_has_what_its_instrument_shows(figure):
    assert (figure.message is not None) == (figure.instrument == "message")
    said = figure.instrument not in ("message", "ran", "ran out")
    assert (figure.measured_mib is not None) == said
    assert (figure.cell is None) == (figure.match == "none")
    assert figure.source and figure.note.endswith(".")
    if figure.message:
        assert figure.message.allocated_mib <= figure.message.reserved_mib


def test_no_figure_is_there_twice_and_exact_ones_come_first():
    assert max(Counter((f.source, f.what) for f in FIGURES).values()) == 1
    order = [("exact", "near", "none").index(figure.match) for figure in FIGURES]
    assert order == sorted(order)


def test_a_message_says_how_much_memory_pytorch_could_have():
    numbers = {"tried_mib": 900, "allocated_mib": 500, "reserved_mib": 600, "free_mib": 100}
    facts = {"source": "a thread", "what": "a step", "match": "none", "note": "None."}
    message = Published.from_json({**facts, "instrument": "message", "message": numbers})
    assert message.limit_bytes == 700 * MIB
    known = Published.from_json({**facts, "instrument": "ran", "usable_mib": 650})
    assert known.limit_bytes == 650 * MIB
    assert Published.from_json({**facts, "instrument": "ran"}).limit_bytes is None


@pytest.mark.parametrize(
    ("instrument", "mib"), [("max_memory_allocated", 1024), ("nvidia-smi", 2048 + 503)]
)
def test_what_is_compared_is_what_the_instrument_shows(instrument, mib):
    facts = {"source": "a thread", "what": "a step", "match": "near", "note": "None."}
    shown = {"instrument": instrument, "measured_mib": 1000, "cell": {"adapter": "lora"}}
    outcome = Outcome(allocated_bytes=GIB, reserved_bytes=2 * GIB)
    found = Comparison(Published.from_json({**facts, **shown}), outcome)
    assert found.rehearsed_mib == mib
    assert found.difference == pytest.approx(mib / 1000 - 1)
    assert found.to_json()["rehearsed_mib"] == mib


def test_a_step_that_should_have_run_out_and_did_not_has_no_figure_to_compare():
    numbers = {"tried_mib": 900, "allocated_mib": 500, "reserved_mib": 600, "free_mib": 100}
    facts = {"source": "a thread", "what": "a step", "match": "near", "note": "None."}
    figure = Published.from_json(
        {**facts, "instrument": "message", "message": numbers, "cell": {"adapter": "lora"}}
    )
    ran = Comparison(figure, Outcome(allocated_bytes=GIB, reserved_bytes=GIB))
    assert (ran.measured_mib, ran.rehearsed_mib, ran.difference) == (500, None, None)
    end = Exhausted(
        requested_bytes=900 * MIB, allocated_bytes=510 * MIB, reserved_bytes=600 * MIB,
        free_bytes=100 * MIB, phase="forward", module="",
    )  # fmt: skip
    assert Comparison(figure, Outcome(exhausted=end)).difference == pytest.approx(0.02)

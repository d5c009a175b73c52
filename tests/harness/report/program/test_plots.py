"""The pictures of a program."""

from dataclasses import replace

import pytest
from matplotlib.patches import Rectangle
from readable import assert_no_overlap, assert_nothing_is_clipped
from synthetic_programs import evaluating, exhausted, fitting, on_card, on_two_cards
from synthetic_records import GIB, all_text

from samfit.harness.report.program.plots import holders, timeline

REPORTS = {
    "fits": fitting(),
    "evaluation": evaluating(),
    "two cards": on_two_cards(),
    "out of memory": exhausted(),
    "no card": fitting(card=""),
}


@pytest.mark.parametrize("draw", [timeline, holders])
@pytest.mark.parametrize("report", REPORTS.values(), ids=list(REPORTS))
def test_every_label_is_readable(report, draw):
    figure = draw(report)
    assert_no_overlap(figure)
    assert_nothing_is_clipped(figure)


def test_the_timeline_shows_steps_evaluation_phases_and_the_peak():
    text = all_text(timeline(evaluating()))
    for part in ("step 1", "step 2", "evaluation", "forward", "peak 10.0 GiB", "live memory (GiB)"):
        assert part in text
    assert text.count("evaluation") == 2, "in the key, and once for parts that follow each other"
    assert "Memory of train.py on RTX 3090" in text


def test_the_limit_of_the_card_is_drawn_where_it_is_near():
    assert "9GiB: 8.00 GiB for PyTorch" in all_text(timeline(exhausted()))
    assert "RTX 3090:" not in all_text(timeline(fitting())), "23 GiB are far from 10"
    assert "RTX 3090: 12.0 GiB" in all_text(timeline(fitting(usable_bytes=12 * GIB)))
    assert "for PyTorch" not in all_text(timeline(fitting(card="", usable_bytes=12 * GIB)))


def test_a_step_of_several_batches_is_one_part():
    card = on_card()
    parts = [(0, "setup", 0), (4, "training", 1), (12, "training", 1), (20, "training", 2)]
    figure = timeline(fitting(cards=[replace(card, course=replace(card.course, parts=parts))]))
    assert all_text(figure).count("step 1") == 1


def test_many_steps_have_numbers_or_nothing_and_never_overlap():
    card = on_card()
    course = replace(
        card.course, live_bytes=[GIB] * 300, parts=[(3 * i, "training", i) for i in range(1, 99)]
    )
    figure = timeline(fitting(cards=[replace(card, course=course)]))
    assert_no_overlap(figure)
    assert "step 50" not in all_text(figure)


def test_the_strips_cover_the_run_from_its_start_to_its_end():
    (axes,) = timeline(fitting()).axes
    strips = [p for p in axes.patches if isinstance(p, Rectangle) and p.get_y() < 0]
    upper = [p for p in strips if p.get_y() == max(each.get_y() for each in strips)]
    assert min(p.get_x() for p in upper) == 0
    assert max(p.get_x() + p.get_width() for p in upper) == pytest.approx(1)
    assert sum(p.get_width() for p in upper) == pytest.approx(1)


def test_holders_of_several_cards_name_theirs():
    assert "at the peak, card 1, rank 1" in all_text(holders(on_two_cards()))
    assert "10.0 GiB, reached in backward" in all_text(holders(fitting()))

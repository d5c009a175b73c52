"""The picture of a blame: its boxes nest, and its labels fit."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from matplotlib.patches import Rectangle
from readable import assert_no_overlap, assert_nothing_is_clipped
from synthetic_blames import any_blame, blamed, parallel_blame, serial_blame
from synthetic_records import GIB, all_text

from samfit.harness.memory.holders import Holder
from samfit.harness.report.blame.plot import boxes, icicle
from samfit.harness.trace.trace import SAVED

MANY_SETTINGS = {"targets": ["q", "k", "v", "mlp", "proj"], "rank": 64, "blocks": [*range(12)]}


@given(any_blame)
def test_the_top_row_sums_to_the_peak_and_parts_lie_within_what_they_are_parts_of(blame):
    rows = {}
    for box in boxes(blame.holders):
        rows.setdefault(box.row, []).append(box)
    assert sum(box.nbytes for box in rows[0]) == blame.peak_bytes
    for row, found in rows.items():
        for box, after in pairwise(found):
            assert box.left + box.nbytes <= after.left
        for box in found if row else []:
            assert any(
                above.left <= box.left and box.left + box.nbytes <= above.left + above.nbytes
                for above in rows[row - 1]
                if above.category == box.category
            )


def test_numbers_are_in_their_order_and_names_by_size():
    held = [Holder(f"encoder.blocks.{i}", SAVED, GIB) for i in (10, 9, 2)]
    drawn = boxes([*held, Holder("encoder.neck", SAVED, 4 * GIB)])
    assert [box.name for box in drawn] == [
        "saved activations", "encoder", "neck", "blocks", "2", "9", "10",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "blames",
    [
        [serial_blame()],
        [serial_blame(), parallel_blame()],
        [parallel_blame(), serial_blame(settings=MANY_SETTINGS)],
        [blamed(("a_name_that_is_far_too_long." * 9 + "end", SAVED, 512))],
    ],
    ids=["one", "two", "long label", "deep"],
)
def test_every_label_is_readable(blames):
    figure = icicle(blames)
    assert_no_overlap(figure)
    assert_nothing_is_clipped(figure)


def test_labels_lie_within_their_boxes():
    (axes,) = icicle([serial_blame()]).axes
    drawn = [p.get_window_extent() for p in axes.patches if isinstance(p, Rectangle)]
    inside = [text for text in axes.texts if text.get_ha() == "center"]
    assert {"image_encoder  15.0", "attn  4.00", "11"} <= {text.get_text() for text in inside}
    for text in inside:
        extent = text.get_window_extent()
        assert any(box.x0 <= extent.x0 and extent.x1 <= box.x1 for box in drawn), text


def test_two_blames_are_drawn_on_one_scale():
    (axes,) = icicle([serial_blame(), parallel_blame()]).axes
    widths = Counter()
    for patch in axes.patches:
        widths[patch.get_y()] += patch.get_width()
    unseen = 0.02  # GiB, the optimizer's state
    for peak in (blame.peak_bytes / GIB for blame in (serial_blame(), parallel_blame())):
        assert any(width == pytest.approx(peak, abs=unseen) for width in widths.values())
    assert axes.get_xlim() == (0, pytest.approx(serial_blame().peak_bytes / GIB))


def test_the_picture_says_what_it_shows_and_where_it_comes_from():
    text = all_text(icicle([serial_blame(), parallel_blame()]))
    for part in (
        "Lora against Cad, batch size 4: what holds the memory at the peak",
        "Lora: 18.3 GiB, reached in the forward phase",
        "Cad: 3.31 GiB, reached in the forward phase",
        "Too narrow to be seen: optimizer state.",
        "Source: predicted (trace + allocator replay), vit_b, 1024 × 1024, training step",
        "saved activations", "weights frozen", "memory (GiB)",
    ):  # fmt: skip
        assert part in text

"""The gallery: which tiles it has, and how regions are drawn."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings, strategies as st
from readable import made
from synthetic_records import all_text, direct_labels, trained_methods

from samfit.adapters.core.registry import adapter_names
from samfit.harness.report.accuracy.gallery import MOST_COLUMNS, gallery, overlay, regions


def tiles(figure):
    """What stands in the corners, and beside and above the tiles."""
    texts = [label.get_text().replace("\n", " ") for label in direct_labels(figure)]
    texts = [text for text in texts if text]
    corners = [text for text in texts if text[0].isdecimal()]
    return corners, [text for text in texts if text not in corners]


def test_the_gallery_has_a_row_a_task():
    figure = made(gallery, trained_methods(("cad", "lora"), masks=[9, 5]))
    corners, names = tiles(figure)
    heads = ["image", "truth", "without adaptation", "Cad", "Lora"]
    assert sorted(names) == sorted([*heads, "Camouflage", "Transparent objects"])
    assert len(corners) == 2 * 3 and len(figure.axes[0].images) == 2 * 5
    assert "right missed wrong thing stuff" in all_text(figure)
    assert "first test image of each task, with masks of seed 0" in all_text(figure)


def test_the_gallery_of_a_single_task_has_a_row_an_image():
    figure = made(gallery, trained_methods(("cad", "lora"), ["road"], masks=[9, 5]))
    corners, names = tiles(figure)
    assert len(corners) == 2 * 3 and names.count("Road") == 1
    assert "first 2 test images" in all_text(figure)
    assert all_text(figure).endswith("right missed wrong")


def test_the_gallery_shows_methods_of_others_first_then_the_best_and_names_what_it_leaves_out():
    own = ("mine", "ours", "theirs")
    figure = made(gallery, trained_methods((*own, *adapter_names()), ["road"], 1, masks=[9]))
    heads = [name.lower() for name in tiles(figure)[1][2:]]
    best, *_, last_but_one, last = reversed(adapter_names())
    assert heads[:5] == ["without adaptation", *reversed(own), best]
    assert len(figure.axes[0].images) == 2 + MOST_COLUMNS
    assert f"Omitted for space: {last_but_one.title()}, {last.title()}." in all_text(figure)
    assert "Omitted" not in all_text(made(gallery, trained_methods(("cad", "lora"), masks=[9])))


def test_a_mask_that_is_not_there_is_a_dash():
    *records, last = trained_methods(("cad", "lora"), ["road"], 1, masks=[9])
    broken = replace(last, accuracy=replace(last.accuracy, masks_png=["nothing"]))
    figure = made(gallery, [*records, broken])
    assert "A dash: there is no mask" in all_text(figure)
    assert "–" in tiles(figure)[1]
    assert "A dash" not in all_text(made(gallery, [*records, last]))
    assert made(gallery, trained_methods(("cad", "lora"))) is None, "no record keeps masks"


masks = st.lists(st.integers(0, 2), min_size=16, max_size=16).map(
    lambda values: np.array(values, np.uint8).reshape(4, 4)
)


@settings(deadline=None)
@given(masks, masks, st.sampled_from([1, 3]))
def test_no_pixel_is_of_two_regions(mask, truth, classes):
    if classes == 1:
        mask, truth = mask.clip(max=1), truth.clip(max=1)
    found = np.stack([pixels for pixels, _ in regions(mask, truth, classes)])
    marked = mask > 0 if classes > 1 else (mask > 0) | (truth > 0)
    np.testing.assert_array_equal(found.sum(axis=0), marked)


def test_a_perfect_mask_is_right_and_an_empty_one_missed():
    truth = np.eye(4, dtype=np.uint8)
    for mask, right_missed_wrong in ((truth, [4, 0, 0]), (0 * truth, [0, 4, 0])):
        assert [pixels.sum() for pixels, _ in regions(mask, truth, 1)] == right_missed_wrong


def test_regions_are_filled_and_their_edges_opaque():
    image, square = np.full((32, 32, 3), 200, np.uint8), np.zeros((32, 32), bool)
    square[8:24, 8:24] = True
    drawn = overlay(image, [(square, "#FF0000")])
    assert drawn.shape == image.shape and 0 <= drawn.min() <= drawn.max() <= 1
    np.testing.assert_array_equal(drawn[8, 8], [1, 0, 0])
    outside, inside = drawn[0, 0], drawn[16, 16]
    assert outside.max() < 200 / 255
    assert inside[0] > outside[0] and inside[1] < outside[1]

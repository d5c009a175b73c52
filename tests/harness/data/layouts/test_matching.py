"""Images find their masks by name, and nothing is dropped in silence."""

from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st
from user_error import user_error

from samfit.harness.data.layouts.matching import match
from samfit.harness.data.layouts.names import Found

letters = st.characters(blacklist_characters="/\0", blacklist_categories=("Cs",))
stems = st.text(letters, min_size=1, max_size=12).filter(lambda stem: stem.strip(".") == stem)
endings = st.sampled_from(["", "_mask", "_segmentation", "_label", "_gt", "-mask", " mask"])


def found(*names, split="train"):
    return [Found(Path(name), split) for name in names]


def names(pairs, split="train"):
    return [(str(files.image.path), str(files.masks[0].path)) for files in pairs[split]]


@settings(deadline=None)
@given(stems=st.sets(stems, min_size=1, max_size=8), data=st.data())
def test_the_same_stems_are_matched_whole(stems, data):
    images = found(*(f"{stem}.jpg" for stem in stems))
    masks = found(*data.draw(st.permutations([f"{stem}.png" for stem in stems])))
    pairs = match(images, masks).splits["train"]
    assert [files.name for files in pairs] == sorted(stems)
    assert all(files.image.path.stem == files.masks[0].path.stem == files.name for files in pairs)


@settings(deadline=None)
@given(
    stems=st.sets(st.text("abcxyz0123 .é海", min_size=1).map(lambda s: f"{s}!"), min_size=1),
    ending=endings,
    upper=st.booleans(),
)
def test_usual_endings_and_another_case_are_matched_whole(stems, ending, upper):
    masks = [f"{stem}{ending}" for stem in stems]
    pairs = match(
        found(*(f"{stem}.jpg" for stem in stems)),
        found(*(f"{mask.upper() if upper else mask}.png" for mask in masks)),
    ).splits["train"]
    assert [files.name for files in pairs] == sorted(stems)
    assert all(files.masks[0].path.stem.casefold() == f"{files.name}{ending}" for files in pairs)


def test_names_that_differ_only_in_case_keep_their_own_partners():
    pairs = match(found("a.jpg", "A.jpg"), found("A.png", "a.png")).splits
    assert names(pairs) == [("A.jpg", "A.png"), ("a.jpg", "a.png")]


def test_letters_composed_otherwise_are_the_same():
    pairs = match(found("e\u0301te.jpg"), found("\u00e9te.png"))  # as macOS and Linux write them
    assert len(pairs.splits["train"]) == 1


def test_an_ending_of_the_image_is_dropped_too():
    assert match(found("1_image.jpg"), found("1_mask.png")).splits["train"]


def test_an_image_called_after_a_mask_keeps_its_own():
    pairs = match(found("cell.jpg", "cell_gt.jpg"), found("cell.png", "cell_gt.png")).splits
    assert names(pairs) == [("cell.jpg", "cell.png"), ("cell_gt.jpg", "cell_gt.png")]


def test_so_it_does_in_another_case():
    pairs = match(found("cell.jpg", "cell_gt.jpg"), found("CELL.png", "CELL_GT.png")).splits
    assert names(pairs) == [("cell.jpg", "CELL.png"), ("cell_gt.jpg", "CELL_GT.png")]


def test_splits_do_not_mix_but_a_mask_without_split_serves_any():
    images = [*found("a.jpg"), *found("b.jpg", split="test")]
    pairs = match(images, found("a.png", "b.png", split="")).splits
    assert names(pairs) == [("a.jpg", "a.png")]
    assert names(pairs, "test") == [("b.jpg", "b.png")]
    with user_error("b.jpg has no mask"):
        match(images, found("a.png", "b.png"))


def test_an_image_without_mask_is_named_with_the_number_of_others():
    with user_error("the image b.jpg has no mask", "one of 3 such images"):
        match(found("d.jpg", "c.jpg", "a.jpg", "b.jpg"), found("a.png"))


def test_a_mask_without_image_is_named():
    with user_error("the mask b.png has no image"):
        match(found("a.jpg"), found("a.png", "b.png"))


@pytest.mark.parametrize(
    ("images", "masks", "named"),
    [
        (["a.jpg", "a.bmp"], ["a.png"], ["a.jpg", "a.bmp", "images"]),
        (["a.jpg"], ["a.png", "a.tif"], ["a.png", "a.tif", "masks"]),
        (["a.jpg"], ["a_mask.png", "a_gt.png"], ["a_mask.png", "a_gt.png", "masks"]),
    ],
)
def test_two_candidates_are_named(images, masks, named):
    with user_error(*named):
        match(found(*images), found(*masks))


def test_the_place_is_part_of_the_name():
    images = [Found(Path("x/a.jpg"), "test", ("CAMO",)), Found(Path("y/a.jpg"), "test", ("COD",))]
    masks = [Found(Path("x/a.png"), "test", ("CAMO",)), Found(Path("y/a.png"), "test", ("COD",))]
    pairs = match(images, masks).splits["test"]
    assert [(files.name, files.masks[0].path.parent.name) for files in pairs] == [
        ("CAMO/a", "x"),
        ("COD/a", "y"),
    ]

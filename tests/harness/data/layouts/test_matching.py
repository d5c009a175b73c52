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


def both(pairs, split="train"):
    return {
        str(files.image.path): [str(mask.path) for mask in files.masks] for files in pairs[split]
    }


def test_an_image_keeps_the_mask_of_its_own_name_though_it_may_be_a_number():
    pairs = match(found("1.jpg", "1_2.jpg"), found("1.png", "1_2.png")).splits
    assert both(pairs) == {"1.jpg": ["1.png"], "1_2.jpg": ["1_2.png"]}


def test_a_mask_that_may_be_of_two_images_is_named():
    with user_error("1_2.png", "1.jpg", "1_2.jpg", "rename"):
        match(found("1.jpg", "1_2.jpg"), found("1_1.png", "1_2.png"))


def test_a_mask_of_everything_beside_masks_of_objects_is_named():
    with user_error("1.png", "1_0.png", "1.jpg", "keep only one kind"):
        match(found("1.jpg"), found("1.png", "1_0.png", "1_1.png"))


def test_numbers_need_something_between():
    with user_error("cell12.png has no image"):
        match(found("cell1.jpg"), found("cell1.png", "cell12.png"))


def test_masks_of_an_image_are_in_the_order_of_their_numbers():
    masks = [f"a_{number}.png" for number in (1, 2, 10, 11)]
    pairs = match(found("a.jpg"), found(*masks[::-1])).splits
    assert both(pairs) == {"a.jpg": masks}


def test_one_ending_of_all_masks_is_said():
    matches = match(found("a_t1.jpg", "b_t1.jpg"), found("a_lesion.png", "b_lesion.png"))
    assert both(matches.splits) == {"a_t1.jpg": ["a_lesion.png"], "b_t1.jpg": ["b_lesion.png"]}
    assert matches.remarks == ("images are called NAME_t1, and their masks NAME_lesion.",)
    assert matches.kind is None


def test_what_no_ending_explains_is_refused():
    with user_error("a_t1.jpg has no mask", "one of 2"):
        match(found("a_t1.jpg", "b_t1.jpg"), found("x_lesion.png", "y_lesion.png"))


def test_words_are_asked_about_unless_they_are_objects():
    images, masks = found("1.jpg"), found("1_disc.png", "1_cup.png")
    with user_error("cup, disc", "--masks instances"):
        match(images, masks)
    matches = match(images, masks, objects=True)
    assert both(matches.splits) == {"1.jpg": ["1_cup.png", "1_disc.png"]}
    assert matches.kind == "instances"


def test_one_word_after_the_name_of_an_image_is_said():
    matches = match(found("scan.jpg"), found("scan_lesion.png"))
    assert both(matches.splits) == {"scan.jpg": ["scan_lesion.png"]}
    assert matches.remarks == ("names of masks begin with those of their images.",)


@settings(deadline=None, max_examples=60)
@given(
    counts=st.dictionaries(
        st.text("abcXYé ", min_size=1, max_size=5).map(lambda stem: f"{stem}z"),
        st.integers(1, 4),
        min_size=1,
        max_size=5,
    ),
    form=st.sampled_from(["{}_{}", "{}_mask_{}", "{}-{}_mask", "{}_obj{}", "{} ({})"]),
    first=st.integers(0, 99),
)
def test_every_mask_with_a_number_is_given_to_its_image_once(counts, form, first):
    if len({stem.casefold() for stem in counts}) < len(counts):
        return
    expected = {
        f"{stem}.jpg": [f"{form.format(stem, first + n)}.png" for n in range(count)]
        for stem, count in counts.items()
    }
    masks = [mask for theirs in expected.values() for mask in theirs]
    assert both(match(found(*expected), found(*masks)).splits) == expected

"""What the values of masks mean is decided from all of them, or asked about."""

import numpy as np
import pytest
from data_sets import bands, discs, ids
from hypothesis import given, settings, strategies as st
from user_error import user_error

from samfit.errors import UserError
from samfit.harness.data.example import IGNORED
from samfit.harness.data.masks.decide import decide
from samfit.harness.data.masks.look import look
from samfit.harness.data.reading import Reading

TWO = [np.uint8([[0, 1], [1, 0]])]
DISC = np.hypot(*np.mgrid[-32:32, -32:32]) < 20


def decided(drawn, lossy=False, known=(None, 0), **options):
    return decide([look(mask, lossy) for mask in drawn], Reading(**options), *known)


def of(*values, kind=np.uint8):
    """Masks of a single row."""
    return [np.array([each], kind) for each in values]


def smeared(mask):
    """A mask in black and white whose edges are levels between."""
    from scipy.ndimage import gaussian_filter

    return np.round(gaussian_filter(mask.astype(float), 1) * 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("masks", "says"),
    [
        (of([0, 1]), ""),
        (of([0, 255]), ""),
        (of([0, 65535], kind=np.uint16), ""),
        (of([0, 255], [0, 1]), "both are masks"),
        (of([0]), "background"),
        (of([255]), "object"),
        (of([0, 128]), "0 and 128: 128 is the object"),
        (of([1, 2]), "2 is the object"),
        (of([0, 2], [2]), "2 is the object"),
        ([np.array([[0.0, 1.0]])], ""),
        ([np.array([[True, False]])], ""),
        ([np.array([[-1, 1]])], "1 is the object"),
        ([np.uint8([[[0, 0, 0], [255, 0, 0]]])], "ff0000 is the object"),
    ],
)
def test_two_values_are_binary(masks, says):
    meaning, remarks = decided(masks)
    assert (meaning.told, meaning.kind, meaning.classes) == ("binary", "binary", 1)
    assert bool(remarks) == bool(says)
    assert all(says in remark for remark in remarks)
    for mask in masks:
        flat = mask.reshape(*mask.shape[:2], -1).max(2)
        most = max(flat.max() for flat in [flat])
        expected = flat == most if len({*flat.ravel().tolist()}) > 1 else flat > 0
        np.testing.assert_array_equal(meaning.apply(mask), expected)


@pytest.mark.parametrize(
    ("masks", "lossy"),
    [
        ([smeared(DISC)], False),
        ([smeared(DISC), smeared(DISC) * 0], True),
        ([np.where(DISC, 253, 2).astype(np.uint8), smeared(DISC)], True),
        ([smeared(DISC) / 255], False),
    ],
)
def test_smeared_edges_are_cut_at_half(masks, lossy):
    meaning, (remark,) = decided(masks, lossy=lossy)
    assert (meaning.told, meaning.kind) == ("soft", "binary")
    assert "grey levels" in remark
    assert (meaning.apply(masks[0]) == DISC).mean() > 0.98
    assert {*np.unique(meaning.apply(masks[0])).tolist()} == {0, 1}


@pytest.mark.parametrize("levels", [[0, 127, 128, 255], [0, 32767, 32768, 65535]])
def test_half_is_where_foreground_begins(levels):
    (mask,) = of(levels, kind=np.min_scalar_type(levels[-1]))
    meaning, _ = decided([mask], masks="soft")
    assert meaning.apply(mask).tolist() == [[0, 0, 1, 1]]


@pytest.mark.parametrize("classes", [3, 4, 8, 20])
@pytest.mark.parametrize("unlabelled", [False, True])
def test_dense_small_numbers_are_class_indices(classes, unlabelled):
    masks = [bands(str(index), classes) for index in range(4)]
    if unlabelled:
        masks[1][:5] = IGNORED
    meaning, remarks = decided(masks)
    assert (meaning.told, meaning.classes) == ("classes", classes)
    assert f"found {classes} classes" in remarks[0]
    assert (len(remarks) == 2) == unlabelled
    for mask in masks:
        np.testing.assert_array_equal(meaning.apply(mask), mask)


def test_classes_are_those_that_are_said_whatever_masks_hold():
    meaning, remarks = decided(of([0, 1, 255]), classes="12")
    assert (meaning.classes, remarks) == (12, ("255 in masks stands for unlabelled pixels.",))
    assert decided(of([0, 1]), known=("classes", 5))[0].classes == 5
    with user_error("0, 1, 3", "3 classes", "--classes"):
        decided(of([0, 1, 3]), classes="3")


def test_an_ignored_value_is_no_class_and_two_others_are_two_classes():
    meaning, _ = decided(of([0, 1, 2, 3]), ignore="0", masks="classes")
    assert meaning.apply(np.uint8([[0, 3]])).tolist() == [[IGNORED, 3]]
    meaning, _ = decided(of([0, 1, 7]), ignore="7")
    assert meaning.classes == 2
    assert meaning.apply(np.uint8([[0, 1, 7]])).tolist() == [[0, 1, IGNORED]]


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.int32, np.int64])
@pytest.mark.parametrize("counts", [(200, 190, 180), (30, 30, 30), (1, 40, 3)])
def test_many_values_in_one_region_each_are_ids(kind, counts):
    masks = [ids(count).astype(kind) for count in counts]
    meaning, (remark,) = decided(masks)
    assert (meaning.told, meaning.classes) == ("instances", 1)
    assert f"{sum(counts):,} objects" in remark
    for mask in masks:
        np.testing.assert_array_equal(meaning.apply(mask), mask[None])


def test_ids_above_a_byte_are_never_read_as_anything_else():
    masks = [(ids(300) == 7).astype(np.uint16)] * 5 + [ids(300).astype(np.uint16)]
    meaning, _ = decided(masks)
    assert meaning.told == "instances"
    assert len(np.unique(meaning.apply(masks[-1]))) == 301


def test_ids_may_be_colours_or_too_large_for_32_bits():
    colours = np.random.default_rng(0).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    meaning, _ = decided([colours], masks="instances")
    assert meaning.apply(colours).shape == (1, 4, 4)
    assert len(np.unique(meaning.apply(colours))) == 16
    large = np.array([[0, 2**40, 2**41]])
    meaning, _ = decided([large], masks="instances")
    assert meaning.apply(large).tolist() == [[[0, 1, 2]]]


@pytest.mark.parametrize(
    ("masks", "words"),
    [
        (of([0, 128, 255]), ("0 (33.3%)", "--classes 0:0,128:1,255:2")),
        (of([0, 50, 100, 150, 200]), ("200", "--masks classes")),
        ([np.uint8([[[0, 0, 0], [255, 0, 0], [0, 255, 0]]])], ("colours", "00ff00", "ff0000:2")),
        ([ids(count) for count in (3, 5, 4)], ("--masks instances",)),
        ([np.array([[0.0, 0.5, 7.25]])], ("7.25",)),
        ([np.array([[-5, 0, 3]])], ("-5",)),
        ([np.random.default_rng(0).integers(0, 200, (64, 64))], ("--masks soft",)),
    ],
)
def test_what_is_not_clear_is_asked_about(masks, words):
    with user_error("it is not clear what they mean", *words):
        decided(masks)


def test_the_answer_to_what_is_asked_settles_it():
    masks = [ids(count) for count in (3, 5, 4)]
    assert decided(masks, masks="instances")[0].told == "instances"
    assert decided(masks, masks="classes")[0].classes == 6
    coded = of([0, 128, 255])
    meaning, _ = decided(coded, classes="255:0,128:1,0:2")
    assert (meaning.told, meaning.classes) == ("coded", 3)
    assert meaning.apply(coded[0]).tolist() == [[2, 1, 0]]
    meaning, _ = decided(coded, foreground="any")
    assert meaning.apply(coded[0]).tolist() == [[0, 1, 1]]
    meaning, _ = decided(coded, classes="255:0,128:0,0:1")
    assert (meaning.kind, meaning.apply(coded[0]).tolist()) == ("binary", [[1, 0, 0]])


def test_a_value_that_no_class_is_given_for_is_named():
    with user_error("hold 9", "--classes gives no class", "--ignore"):
        decided(of([0, 128, 9]), classes="0:0,128:1")
    assert decided(of([0, 128, 9]), classes="0:0,128:1", ignore="9")[0].classes == 2
    with user_error("colours"):
        decided([np.uint8([[[0, 0, 0], [255, 0, 0]]])], classes="0:0,255:1")


def test_a_jpeg_holds_no_class_indices():
    with user_error("JPEGs", "PNG"):
        decided(of([0, 1, 2, 3]), lossy=True, masks="classes")
    with user_error("not clear"):
        decided(of([0, 1, 2, 3]), lossy=True)


def test_a_grey_mask_among_colours_is_one_of_them():
    black, colours = np.zeros((2, 2), np.uint8), np.uint8([[[255, 0, 0], [0, 0, 0]]])
    white = np.full((2, 2), 255, np.uint8)
    meaning, _ = decided([black, colours, white], classes="000000:0,ff0000:1,ffffff:2")
    assert meaning.apply(white).tolist() == [[2, 2], [2, 2]]
    assert meaning.apply(black).tolist() == [[0, 0], [0, 0]]


@settings(deadline=None, max_examples=60)
@given(
    kind=st.sampled_from(["binary", "soft", "classes", "ids"]),
    dtype=st.sampled_from([np.uint8, np.uint16, np.int32, np.float32]),
    count=st.integers(2, 60),
    masks=st.integers(1, 4),
    seed=st.integers(0, 99),
)
def test_masks_are_read_as_they_were_drawn_or_asked_about(kind, dtype, count, masks, seed):
    names = [f"{seed} {index}" for index in range(masks)]
    match kind:
        case "binary":
            drawn = [discs(name) for name in names]
            written = [(each * (count % 255 + 1)).astype(dtype) for each in drawn]
        case "soft":
            drawn = [discs(name) for name in names]
            written = [smeared(each).astype(dtype) for each in drawn]
        case "classes":
            drawn = [bands(name, count) for name in names]
            written = [each.astype(dtype) for each in drawn]
        case _:
            drawn = [ids(count + 3 * index) for index in range(masks)]
            written = [each.astype(dtype) for each in drawn]
    try:
        meaning, _ = decided(written)
    except UserError as error:
        assert "--masks" in str(error)
        return
    for values, truth in zip(written, drawn, strict=True):
        found = meaning.apply(values)
        if kind == "soft":
            assert (found == truth).mean() > 0.9
        elif meaning.told == "instances":
            np.testing.assert_array_equal(found[0], values)
        else:
            np.testing.assert_array_equal(found, truth)

"""What the values of masks mean is decided from all of them, or asked about."""

from io import BytesIO

import numpy as np
import pytest
from data_sets import bands, discs, ids
from hypothesis import given, settings, strategies as st
from PIL import Image
from user_error import user_error

from samfit.errors import UserError
from samfit.harness.data.example import IGNORED
from samfit.harness.data.masks.decide import decide, decide_apart
from samfit.harness.data.masks.look import look
from samfit.harness.data.reading import Reading

TWO = [np.uint8([[0, 1], [1, 0]])]
DISC = np.hypot(*np.mgrid[-32:32, -32:32]) < 20


def decided(drawn, lossy=False, known=(None, 0), **options):
    return decide([look(mask, lossy) for mask in drawn], Reading(**options), *known)


def squares(*labels, side=40):
    """A mask with a square of each label, apart from each other."""
    mask = np.zeros((side, side), np.uint8)
    for place, label in enumerate(labels):
        row, column = divmod(place, side // 8)
        mask[row * 8 + 1 : row * 8 + 6, column * 8 + 1 : column * 8 + 6] = label
    return mask


def nested(*levels):
    """A disc in a ring, as 0, 1 and 2 or as other levels."""
    radius = np.hypot(*np.mgrid[-32:32, -32:32])
    mask = np.where(radius < 12, 2, np.where(radius < 26, 1, 0))
    return np.array(levels)[mask] if levels else mask


def as_jpeg(mask, quality=75):
    file = BytesIO()
    Image.fromarray(mask.astype(np.uint8)).save(file, "JPEG", quality=quality)
    return np.array(Image.open(file))


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
        ([nested(0, 1 / 3, 1)], ("0.333333", "--masks soft")),
        ([nested(255, 128, 0), nested(255, 128, 0)], ("0:0,128:1,255:2",)),
        ([squares(*range(1, n)) for n in (3, 2, 4, 3, 3)], ("--masks instances",)),
        ([squares(1, 2, 3, 5), squares(1, 3, 4, 5, 6, 7), squares(1, 2)], ("--masks instances",)),
        ([squares(1, 2, 3, 4), squares(5, 6, 7), squares(8, 9)], ("--masks instances",)),
        ([squares(1, 2, 3, 4, 5)] * 2, ("--masks instances",)),
        ([np.uint16([[0, 3, 65535]] * 9), bands("0", 30)], ("65535", "--ignore")),
        ([np.uint8([[[255, 0, 0], [0, 255, 0]]])], ("00ff00:0,ff0000:1",)),
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


@pytest.mark.parametrize("quality", [95, 75, 30])
def test_a_jpeg_of_one_object_is_soft_and_one_of_grey_codes_is_asked_about(quality):
    objects = [as_jpeg(discs(str(index)) * 255, quality) for index in range(4)]
    meaning, _ = decided(objects, lossy=True)
    assert meaning.told == "soft"
    for index, mask in enumerate(objects):
        assert (meaning.apply(mask) == discs(str(index))).mean() > 0.999
    with user_error("not clear"):
        decided([as_jpeg(nested(255, 128, 0), quality)], lossy=True)


@pytest.mark.parametrize(
    "masks",
    [
        [nested(), nested() > 0, nested()],
        [nested() * (nested() == value) for value in (2, 1)] + [nested()],
        [squares(1, 2), squares(2), squares(1)],
        [squares(*range(1, 6))] * 3,
        [squares(*(4, 9, 2)), squares(*(1, 3, 9, 4)), squares(7, 8, 3, 6, 5)],
        [np.kron(np.diag([1, 2, 1, 2]), np.ones((1, 9), np.uint8))],
    ],
)
def test_ordinary_classes_are_not_asked_about(masks):
    meaning, _ = decided(masks)
    assert meaning.told == "classes"
    for mask in masks:
        np.testing.assert_array_equal(meaning.apply(mask), mask)


def test_a_value_that_is_ignored_leaves_the_object_what_it_is():
    for masks, ignored, expected in [
        (of([0, 128, 255]), "128", [0, IGNORED, 1]),
        (of([0, 1, 255]), "255", [0, 1, IGNORED]),
        (of([3, 7, 9]), "7", [0, IGNORED, 1]),
        (of([0, 255]), "255", [0, IGNORED]),
    ]:
        meaning, _ = decided(masks, ignore=ignored)
        assert (meaning.kind, meaning.classes) == ("classes", 2)
        assert meaning.apply(masks[0]).tolist() == [expected]
    meaning, _ = decided(of([0, 50, 255]), ignore="50", foreground="any")
    assert (meaning.kind, meaning.apply(np.uint8([[0, 50, 255]])).tolist()) == (
        "classes",
        [[0, IGNORED, 1]],
    )
    meaning, remarks = decided(of([0, 5, 9]), masks="instances", ignore="9")
    assert meaning.apply(np.uint8([[0, 5, 9]])).tolist() == [[[0, 5, 0]]]
    assert any("9 in masks counts as no object" in remark for remark in remarks)


def test_what_is_ignored_but_not_there_is_said():
    meaning, (remark,) = decided(of([0, 1]), ignore="7")
    assert meaning.kind == "binary"
    assert "no mask holds 7" in remark


def test_void_borders_of_objects_are_no_object():
    masks = [squares(1, 2, 3, 255)] * 2
    meaning, remarks = decided(masks, known=("instances", 0))
    assert set(np.unique(meaning.apply(masks[0])).tolist()) == {0, 1, 2, 3}
    assert any("255 in masks stands for unlabelled" in remark for remark in remarks)
    assert "6 objects" in remarks[0]
    masks = [ids(255)]
    assert decided(masks, masks="instances")[0].apply(masks[0]).max() == 255
    assert decided(of([0, 255]), masks="instances")[0].apply(np.uint8([[0, 255]])).max() == 255


@pytest.mark.parametrize(
    ("masks", "options", "words"),
    [
        (of([0, 1]), {"foreground": "any", "classes": "3"}, ("--foreground any", "--classes 3")),
        (of([0, 1]), {"foreground": "any", "masks": "soft"}, ("--foreground any", "--masks soft")),
        (of([0, 1]), {"masks": "binary", "classes": "5"}, ("contradict",)),
        (of([0, 1]), {"masks": "classes", "classes": "1"}, ("contradict",)),
        (of([0, 1]), {"masks": "instances", "classes": "0:0,1:1"}, ("contradict",)),
        (of([0, 255]), {"classes": "2"}, ("no class indices", "--masks binary")),
        (of([0, 255]), {"masks": "classes"}, ("no class indices", "0:0,255:1")),
        (of([0]), {"masks": "classes"}, ("nothing but 0",)),
        (of([0, 1]), {"ignore": "0,1"}, ("leaves out all pixels",)),
        (of([0, 1]), {"ignore": "ff0000"}, ("--ignore ff0000", "values")),
        ([np.uint8([[[9, 0, 0], [0, 0, 1]]])], {"ignore": "255"}, ("RRGGBB",)),
        ([smeared(DISC)], {"ignore": f"{smeared(DISC)[32, 12]}"}, ("level of grey",)),
        ([np.array([[0, np.nan]])], {}, ("NaN", "--ignore")),
        (of([0, -3, 2], kind=np.int8), {"masks": "instances"}, ("-3", "above 0")),
        ([np.array([[0, 0.5, 1]])], {"masks": "instances"}, ("0.5",)),
        (of([0, 128, 255]), {"masks": "binary"}, ("128 (33.3%)",)),
    ],
)
def test_options_that_cannot_be_right(masks, options, words):
    with user_error(*words):
        decided(masks, **options)


def test_grey_levels_that_end_below_white_are_cut_at_half_of_theirs():
    meaning, (remark,) = decided([np.uint16([[0, 1999, 2000, 4000]])], masks="soft")
    assert meaning.apply(np.uint16([[0, 2000, 2001, 4000]])).tolist() == [[0, 0, 1, 1]]
    assert "(2000)" in remark


def test_masks_that_show_one_object_each():
    def apart(drawn, **options):
        return decide_apart([look(mask) for mask in drawn], Reading(**options))

    assert apart(of([0, 255], [0]))[0].apply(np.uint8([[0, 255]])).tolist() == [[0, 1]]
    for options in ({"masks": "instances"}, {"masks": "binary"}, {"foreground": "any"}):
        assert apart(of([0, 255], [0]), **options)[0].kind == "binary"
    own, (remark,) = apart(of([0, 1], [0, 2], [3]))  # each object has a value of its own
    assert own.apply(np.uint8([[0, 3]])).tolist() == [[0, 1]]
    assert "other than 0" in remark
    assert apart([smeared(DISC)])[0].told == "soft"
    for options in ({"masks": "classes"}, {"classes": "3"}):
        with user_error("several masks each"):
            apart(of([0, 1]), **options)
    with user_error("--ignore"):
        apart(of([0, 1, 2]), ignore="2")
    with user_error("not clear"):
        apart(of([0, 1, 2]))


KINDS = ("binary", "soft", "classes", "few classes", "ids", "few ids", "gaps", "codes", "colours")


@settings(deadline=None, max_examples=150)
@given(
    kind=st.sampled_from(KINDS),
    dtype=st.sampled_from([np.uint8, np.uint16, np.int32, np.float32]),
    count=st.integers(2, 60),
    masks=st.integers(1, 4),
    seed=st.integers(0, 99),
)
def test_masks_are_read_as_they_were_drawn_or_asked_about(kind, dtype, count, masks, seed):
    names = [f"{seed} {index}" for index in range(masks)]
    rng = np.random.default_rng(seed)
    ramp = np.linspace(0, 255, 3 + count % 6).astype(int)
    match kind:
        case "binary":
            drawn = [discs(name) for name in names]
            written = [each.astype(dtype) * (count % 255 + 1) for each in drawn]
        case "soft":
            drawn = [discs(name) for name in names]
            written = [smeared(each) for each in drawn]
        case "classes":
            drawn = written = [bands(name, count) for name in names]
        case "few classes":
            drawn = written = [bands(name, 3) * (rng.random() < 0.7) for name in names]
        case "ids":
            drawn = written = [ids(count + 3 * index) for index in range(masks)]
        case "few ids":
            drawn = written = [squares(*range(1, rng.integers(2, 6))) for _ in range(masks)]
        case "gaps":
            drawn = [ids(count + 5 * index) for index in range(masks)]
            drawn = written = [each * (each != 1 + count // 2) for each in drawn]
        case "codes":
            drawn = [bands(name, len(ramp)) for name in names]
            written = [ramp[each] for each in drawn]
        case _:
            drawn = [bands(name, 4) for name in names]
            written = [rng.integers(0, 256, (4, 3), dtype=np.uint8)[each] for each in drawn]
    written = [each if each.ndim == 3 else each.astype(dtype) for each in written]
    try:
        meaning, _ = decided(written)
    except UserError as error:
        assert "--masks" in str(error) or "--classes" in str(error)
        return
    assert kind not in ("codes", "colours")
    for values, truth in zip(written, drawn, strict=True):
        found = meaning.apply(values)
        if kind == "soft":
            assert (found == truth).mean() > 0.9
        elif meaning.told == "instances":
            np.testing.assert_array_equal(found[0], values)
        else:
            np.testing.assert_array_equal(found, truth)

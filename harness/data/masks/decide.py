"""Decide what the values of masks mean, from all masks of a data set."""

from collections.abc import Sequence

from samfit.errors import UserError
from samfit.harness.data.example import IGNORED, Kind
from samfit.harness.data.masks.given import Table, classes_given, values_given
from samfit.harness.data.masks.look import Look
from samfit.harness.data.masks.meaning import Meaning, shown
from samfit.harness.data.masks.values import WHITE, Values
from samfit.harness.data.reading import Reading

SMALL = 40  # up to here class indices may leave out many classes
FEW = 24  # different values that classes may well have, even if each is one region
MOSTLY = 0.75  # share of values that are one region each, in masks of ids
FILLED = 0.8  # share of the ids up to the largest that are there, in masks of ids
DENSE = 0.5  # share of the numbers up to the largest that are there, of class indices
FLAT = 0.8  # share of pixels between the least and the largest value with an equal neighbour
MOST_LISTED = 12
OBJECTS = 3  # classes, from where masks that count from 1 may as well hold ids

Decision = tuple[Meaning, tuple[str, ...]]


def decide(
    looks: Sequence[Look], reading: Reading, kind: Kind | None = None, classes: int = 0
) -> Decision:
    """What values mean, and sentences on what was found.

    Args:
        looks: at all masks.
        reading: what the user says.
        kind, classes: what the layout says; None and 0 if it does not.

    Raises:
        UserError: if it cannot be decided, with the values and the option that settles it; or if
            the values are not what the user says.
    """
    given = classes_given(reading.classes)
    ignored, _ = values_given(reading.ignore)
    values = Values(looks, tuple(ignored))
    if reading.foreground == "any":
        table = ((0.0, 0),)
        return Meaning(told="binary", table=table, others=1, ignored=values.ignored), ()
    if isinstance(given, Table):
        return _coded(values, given)
    is_ = kind if reading.masks == "auto" else reading.masks
    if is_ == "instances":
        return _ids(values)
    if is_ == "soft":
        return _soft(values)
    if is_ == "binary" or given == 1:
        return _binary(values)
    if classes == 1 and not given:
        return _binary(values, sure=True)
    if is_ == "classes" or given or classes:
        return _indices(values, given or classes)
    return _found_out(values)


def _found_out(values: Values) -> Decision:
    """What nobody says."""
    if len(values.used) <= 2 or values.black_and_white or values.soft:
        return _binary(values)
    if values.colours or values.fractions or values.lossy or values.flat < FLAT:
        raise _ask(values)
    most, some = max(values.labels), len(values.labels)
    if most >= IGNORED and some > FEW:
        return _ids(values)
    if most > SMALL and some < DENSE * most:
        raise _ask(values)
    if values.alone >= MOSTLY:
        if some > FEW and values.filled >= FILLED:
            return _ids(values)
        if some > FEW or (values.counts_differ and most > OBJECTS):
            raise _ask(values)
    return _indices(values, 0)


def _binary(values: Values, *, sure: bool = False) -> Decision:
    """Masks of one object: two values, or levels of grey."""
    used = values.used
    if len(used) == 1:
        word = "an object" if used[0] else "background"
        sentence = f"all masks hold nothing but {shown(used, values.colours)}: all is {word}."
        return _two(values, ((used[0], int(used[0] != 0)),)), (sentence,)
    grey = values.soft or (sure and used[-1] >= WHITE * values.white)
    if grey and not values.black_and_white:
        return _soft(values)
    if values.ignored and len(used) == 2:  # only a loss for classes can leave pixels out
        return _indices(values, 2)
    if values.black_and_white:
        table = tuple((value, int(value > 0)) for value in used)
        mixed = ("some masks hold 0 and 1, others 0 and 255: both are masks of one object.",)
        return _two(values, table), mixed if len(used) > 2 else ()
    if len(used) > 2:
        raise _ask(values)
    low, high = (shown([value], values.colours) for value in used)
    sentence = (
        f"masks hold {low} and {high}: {high} is the object; --classes {high}:0,{low}:1 would make "
        f"it {low}."
    )
    return _two(values, ((used[0], 0), (used[1], 1))), (sentence,)


def _two(values: Values, table: tuple[tuple[float, int], ...]) -> Meaning:
    return Meaning(told="binary", table=table, colours=values.colours)


def _soft(values: Values) -> Decision:
    """Levels of grey: what is brighter than half is the object."""
    if values.colours or values.used[0] < 0:
        raise _ask(values)
    # Half, since JPEG and resizing leave edges and faint specks around what is black or white; so
    # do the toolboxes for camouflaged objects (> 128 of 255), while CAD's code takes all that is
    # not 0.
    half = 0.5 if values.white == 1 else values.white // 2
    sentence = "masks hold grey levels: pixels brighter than half count as foreground."
    return Meaning(told="soft", threshold=half, ignored=values.ignored), (sentence,)


def _indices(values: Values, classes: int) -> Decision:
    """Class indices, with 255 or -1 where nobody labelled the pixel."""
    if values.lossy:
        raise UserError(
            "masks are JPEGs, which blur class indices: save them as PNG; or give --masks soft if "
            "they show one object."
        )
    if values.colours or values.fractions:
        raise _ask(values)
    unlabelled = tuple(
        v for v in values.used if (v in (-1, IGNORED) and v >= (classes or IGNORED)) or v == -1
    )
    labels = [value for value in values.used if value not in unlabelled]
    count = classes or int(max(labels, default=0)) + 1
    if (labels and not 0 <= labels[0] <= labels[-1] < count) or count > IGNORED:
        raise UserError(
            f"masks hold {shown(labels)}, but with {count} classes they may hold 0 to {count - 1}, "
            f"and {IGNORED} for unlabelled pixels: correct the masks or --classes, or give "
            "--ignore for values that are no class."
        )
    said = [f"masks hold class indices: found {count} classes; --classes overrides this."]
    meaning = Meaning(told="classes", classes=count, ignored=(*values.ignored, -1, IGNORED))
    if unlabelled:
        said.append(f"{shown(unlabelled)} in masks stands for unlabelled pixels.")
    return meaning, tuple(said[1:] if classes else said)


def _ids(values: Values) -> Decision:
    """Ids of objects."""
    if values.fractions:
        raise _ask(values)
    count = sum(len(look.values - {0}) for look in values.looks)
    sentence = (
        f"masks hold ids: {count:,} objects in {len(values.looks):,} masks; --masks classes would "
        "make them class indices."
    )
    meaning = Meaning(told="instances", ignored=values.ignored, colours=values.colours)
    return meaning, (sentence,)


def _coded(values: Values, given: Table) -> Decision:
    """Values or colours, each of which has a class."""
    if values.colours != given.colours and values.used != [0]:
        have, wanted = (
            ("colours", "colours as in ff0000:1")
            if values.colours
            else ("values", "values as in 255:1")
        )
        raise UserError(f"masks hold {have}, so --classes takes {wanted}.")
    unknown = [value for value in values.used if value not in given.classes]
    if unknown:
        raise UserError(
            f"masks hold {shown(unknown, values.colours)}, for which --classes gives no class: add "
            "them to it, or to --ignore."
        )
    count = max(given.classes.values()) + 1
    meaning = Meaning(
        told="coded",
        classes=1 if count == 2 and not values.ignored else count,
        table=tuple(given.classes.items()),
        ignored=values.ignored,
        class_names=given.names,
        colours=given.colours,
    )
    return meaning, ()


def _ask(values: Values) -> UserError:
    """The sentence that lists values and says what settles their meaning."""
    total = values.pixels.total()
    listed = ", ".join(
        f"{shown([value], values.colours)} ({values.pixels[value] / total:.1%})"
        for value in values.used[:MOST_LISTED]
    )
    if len(values.used) > MOST_LISTED:
        listed += f" and {len(values.used) - MOST_LISTED} more"
    example = ",".join(
        f"{shown([value], values.colours)}:{index}" for index, value in enumerate(values.used[:3])
    ) + (",..." if len(values.used) > 3 else "")
    return UserError(
        f"masks hold the {'colours' if values.colours else 'values'} {listed} of their pixels, and "
        f"it is not clear what they mean: give --classes {example} if they code classes, "
        "--masks classes if they are class indices, --masks instances if they are ids of objects, "
        "--masks soft if they are grey levels of one object, or --foreground any."
    )

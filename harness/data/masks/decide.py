"""Decide what the values of masks mean, from all masks of a data set."""

from collections.abc import Sequence

from samfit.errors import UserError
from samfit.harness.data.example import IGNORED, Kind
from samfit.harness.data.masks.asked import ask, settled
from samfit.harness.data.masks.given import Table
from samfit.harness.data.masks.look import Look
from samfit.harness.data.masks.meaning import Meaning, Told, shown
from samfit.harness.data.masks.values import WHITE, Values
from samfit.harness.data.reading import Reading

SMALL = 40  # up to here class indices may leave out many classes
FEW = 24  # different values that classes may well have, even if each is one region
ALONE = 0.6  # share of values that are one region each, in masks of many ids
MOSTLY = 0.75  # the same, from where a few values may be ids
FILLED = 0.8  # share of the ids up to the largest that are there, in masks of ids
DENSE = 0.5  # share of the numbers up to the largest that are there, of class indices
SLOPING = 0.2  # share of pixels on slopes, from where values are no regions: ``Values.slopes``

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
            the values are not what the user says, or the user contradicts himself.
    """
    values, given, remarks = settled(looks, reading)
    meaning, found = _decided(values, given, reading, kind, classes)
    return meaning, (*remarks, *found)


def decide_apart(looks: Sequence[Look], reading: Reading) -> Decision:
    """What values mean in masks of which each shows one object of an image.

    Raises:
        UserError: if it cannot be decided, or the user says that they hold classes.
    """
    values, given, remarks = settled(looks, reading)
    if reading.masks == "classes" or (given and given != 1):
        raise UserError(
            "images have several masks each, so each mask shows one object, not classes: leave out "
            "--masks and --classes, or give one mask of class indices for each image."
        )
    if values.ignored:
        raise UserError(
            "images have several masks each, which show one object each and have no unlabelled "
            "pixels: leave out --ignore."
        )
    own = all(len(look.values - {0}) <= 1 for look in looks)  # each object may have its own value
    if reading.foreground or (own and len(values.used) > 2):
        return _any(values, remarks)
    meaning, found = _soft(values) if reading.masks == "soft" else _binary(values)
    return meaning, (*remarks, *found)


def _decided(
    values: Values, given: int | Table, reading: Reading, kind: Kind | None, classes: int
) -> Decision:
    """What values mean by what is said of them, the user's word first."""
    if reading.foreground:
        return _any(values)
    if isinstance(given, Table):
        return _coded(values, given)
    match reading.masks:
        case "instances":
            return _ids(values)
        case "soft":
            return _soft(values)
        case "binary":
            return _binary(values)
        case "classes":
            return _indices(values, given or classes)
    if given:
        return _binary(values) if given == 1 else _indices(values, given)
    if kind == "instances":
        return _ids(values)
    if kind == "binary" or classes == 1:
        return _binary(values, sure=classes == 1)
    if kind == "classes" or classes:
        return _indices(values, classes)
    return _found_out(values)


def _found_out(values: Values) -> Decision:
    """What nobody says."""
    if len(values.used) <= 2 or values.black_and_white or values.soft:
        return _binary(values)
    if values.colours or values.fractions or values.lossy or values.used[0] < -1:
        raise ask(values)
    if values.slopes > SLOPING:
        raise ask(values)
    most, some = max(values.labels), len(values.labels)
    if some > FEW and values.alone >= ALONE and (most >= IGNORED or values.filled >= FILLED):
        return _ids(values)
    if most > SMALL and some < DENSE * most:
        raise ask(values)
    if values.alone >= MOSTLY and (some > FEW or values.count):
        raise ask(values)
    return _indices(values, 0)


def _binary(values: Values, *, sure: bool = False) -> Decision:
    """Masks of one object: two values, or levels of grey."""
    used = values.used
    if len(used) == 1:
        word = "an object" if used[0] else "background"
        sentence = f"all masks hold nothing but {shown(used, values.colours)}: all is {word}."
        return _two(values, ((used[0], int(used[0] != 0)),), sentence)
    if values.black_and_white:
        table = tuple((value, int(value > 0)) for value in used)
        if len(used) == 2:
            return _two(values, table)
        mixed = "some masks hold 0 and 1, others 0 and 255: both are masks of one object."
        return _two(values, table, mixed)
    if values.soft or (sure and not values.colours and used[-1] >= WHITE * values.white):
        return _soft(values)
    if len(used) > 2 or (values.colours and used[0] != 0):  # of two colours, neither is nothing
        raise ask(values)
    low, high = (shown([value], values.colours) for value in used)
    sentence = (
        f"masks hold {low} and {high}: {high} is the object; --classes {high}:0,{low}:1 would make "
        f"it {low}."
    )
    return _two(values, ((used[0], 0), (used[1], 1)), sentence)


def _two(values: Values, table: tuple[tuple[float, int], ...], *said: str) -> Decision:
    """Masks of an object by a table; two classes if pixels are left out, as only a loss for classes
    can."""
    left_out = bool(values.ignored)
    coded: Told = "classes" if all(value == label for value, label in table) else "coded"
    meaning = Meaning(
        told=coded if left_out else "binary",
        classes=2 if left_out else 1,
        table=table,
        ignored=values.ignored,
        colours=values.colours,
    )
    return meaning, said


def _any(values: Values, said: Sequence[str] = ()) -> Decision:
    """Masks in which all but 0 is the object."""
    left_out = bool(values.ignored)
    meaning = Meaning(
        told="coded" if left_out else "binary",
        classes=2 if left_out else 1,
        table=((0, 0),),
        others=1,
        ignored=values.ignored,
        colours=values.colours,
    )
    specks = ", the faint specks of JPEGs as well" if values.lossy else ""
    return meaning, (*said, f"every value in masks other than 0 is the object{specks}.")


def _soft(values: Values) -> Decision:
    """Levels of grey: what is brighter than half is the object."""
    if values.colours or values.used[0] < 0:
        raise ask(values)
    if values.ignored:
        raise UserError(
            f"--ignore {shown(values.ignored)} leaves out a level of grey: masks of grey levels "
            "have no unlabelled pixels; leave it out, or give --masks classes."
        )
    # Half, since JPEG and resizing leave edges and faint specks around what is black or white; so
    # do the toolboxes for camouflaged objects (> 128 of 255), while CAD's code takes all that is
    # not 0.
    top = values.white if values.used[-1] >= WHITE * values.white else values.used[-1]
    half = 0.5 if top == 1 else top / 2 if values.fractions else top // 2
    sentence = f"masks hold grey levels: pixels brighter than half ({half:g}) count as foreground."
    return Meaning(told="soft", threshold=half), (sentence,)


def _indices(values: Values, classes: int) -> Decision:
    """Class indices, with 255 or -1 where nobody labelled the pixel."""
    if values.lossy:
        raise UserError(
            "masks are JPEGs, which blur class indices: save them as PNG; or give --masks soft if "
            "they show one object."
        )
    if values.colours or values.fractions:
        raise ask(values)
    unlabelled = [v for v in values.used if v == -1 or (v == IGNORED and v >= classes)]
    labels = [value for value in values.used if value not in unlabelled]
    count = classes or int(max(labels, default=0)) + 1
    if count == 1 or (labels == [0] and unlabelled == [IGNORED]):
        raise UserError(
            f"masks hold {shown(values.used)}, which are no class indices, since 255 would be "
            "unlabelled: give --masks binary, or --classes 0:0,255:1."
            if unlabelled
            else f"masks hold nothing but {shown(labels)}: give --classes with their number."
        )
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
    """Ids of objects; pixels that are left out are no object's."""
    if values.fractions or values.lossy:
        raise ask(values)
    nothing = values.ignored
    said = []
    if not values.colours and values.unlabelled_ids and values.used != [0, IGNORED]:
        nothing = (*nothing, IGNORED)
        said.append("255 in masks stands for unlabelled pixels, which count as no object.")
    elif nothing:
        said.append(f"{shown(nothing, values.colours)} in masks counts as no object.")
    kept = {*values.used} - {0, *nothing}
    if min(kept, default=0) < 0:
        below = [value for value in sorted(kept) if value < 0]
        raise UserError(
            f"masks hold {shown(below)}, but ids are above 0: give --ignore for what is no object."
        )
    count = sum(len(values.of(look) & kept) for look in values.looks)
    sentence = (
        f"masks hold ids: {count:,} objects in {len(values.looks):,} masks; --masks classes would "
        "make them class indices."
    )
    meaning = Meaning(told="instances", ignored=nothing, colours=values.colours)
    return meaning, (sentence, *said)


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

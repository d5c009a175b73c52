"""What the user says of masks' values, and what he is asked."""

from collections.abc import Sequence

from samfit.errors import UserError
from samfit.harness.data.masks.given import Table, classes_given, values_given
from samfit.harness.data.masks.look import Look
from samfit.harness.data.masks.meaning import shown
from samfit.harness.data.masks.values import Values
from samfit.harness.data.reading import Reading

MOST_LISTED = 12


def settled(looks: Sequence[Look], reading: Reading) -> tuple[Values, int | Table, tuple[str, ...]]:
    """The values of all masks, what ``--classes`` says, and sentences on what was left out.

    Raises:
        UserError: if options contradict each other or the values, or there are values that mean
            nothing in any mask.
    """
    given = classes_given(reading.classes)
    _check_options(reading, given)
    ignored, in_colours = values_given(reading.ignore)
    if not all(look.numbers for look in looks):
        raise UserError(
            "masks hold values that are no numbers (NaN or infinite): replace them by a value for "
            "unlabelled pixels, and give it as --ignore."
        )
    values = Values(looks, ignored)
    if ignored and ignored != [0] and values.colours != in_colours:
        have = "colours: give --ignore as RRGGBB" if values.colours else "values: give it as one"
        raise UserError(f"--ignore {reading.ignore}: masks hold {have}.")
    if not values.used:
        raise UserError(f"--ignore {reading.ignore} leaves out all pixels of all masks.")
    absent = [value for value in ignored if value not in values.ignored]
    if absent:
        sentence = f"no mask holds {shown(absent, in_colours)}, which --ignore names."
        return values, given, (sentence,)
    return values, given, ()


def _check_options(reading: Reading, given: int | Table) -> None:
    """Options that say different things at once."""
    said = f"--classes {reading.classes}"
    if reading.foreground and (given or reading.masks not in ("auto", "binary")):
        other = said if given else f"--masks {reading.masks}"
        raise UserError(f"--foreground any makes masks of one object: leave it out, or {other}.")
    if not given or reading.masks == "auto":
        return
    if reading.masks == "classes" and given != 1:
        return
    if reading.masks in ("binary", "soft") and given == 1:
        return
    raise UserError(f"--masks {reading.masks} and {said} contradict each other: leave out one.")


def ask(values: Values) -> UserError:
    """The sentence that lists values and says what settles their meaning."""
    total = values.pixels.total()
    listed = ", ".join(
        f"{shown([value], values.colours)} ({values.pixels[value] / total:.1%})"
        for value in values.used[:MOST_LISTED]
    )
    if len(values.used) > MOST_LISTED:
        last = shown(values.used[-1:], values.colours)
        listed += f" and {len(values.used) - MOST_LISTED} more up to {last}"
    example = ",".join(
        f"{shown([value], values.colours)}:{index}" for index, value in enumerate(values.used[:3])
    ) + (",..." if len(values.used) > 3 else "")
    options = [f"give --classes {example} if they code classes"]
    if not (values.colours or values.fractions or values.lossy):
        options.append("--masks classes if they are class indices")
    if not (values.fractions or values.lossy):
        options.append("--masks instances if they are ids of objects")
    if not values.colours and values.used[0] >= 0:
        options.append("--masks soft if they are grey levels of one object")
    options.append("or --foreground any if all but 0 is one object")
    return UserError(
        f"masks hold the {'colours' if values.colours else 'values'} {listed} of their pixels, and "
        f"it is not clear what they mean: {', '.join(options)}; --ignore names values of "
        "unlabelled pixels."
    )

"""The survey of a data set: a pass over all files, from which follows how they are understood."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import NamedTuple

from samfit.errors import UserError
from samfit.harness.data.each import each
from samfit.harness.data.files.contents import Contents
from samfit.harness.data.files.fault import PictureError
from samfit.harness.data.files.raster import Values
from samfit.harness.data.files.read import probe, read_values
from samfit.harness.data.listing import Files, Listing
from samfit.harness.data.mask_reader import MaskReader
from samfit.harness.data.masks.decide import decide, decide_apart
from samfit.harness.data.masks.look import Look, look
from samfit.harness.data.measured import Measured, measure
from samfit.harness.data.outlines import Outlines
from samfit.harness.data.pair import fits_upright
from samfit.harness.data.reading import Reading
from samfit.progress import SILENT, Progress

FEW = 16  # masks from which a guess is made

Remarks = tuple[str, ...]


class Picture(NamedTuple):
    """A pair of files, and what its image's file contains."""

    files: Files
    contents: Contents


class Surveyed(NamedTuple):
    """What the files of a data set are.

    Attributes:
        masks: how masks are read.
        contents, measured: of each pair, in its order.
        remarks: sentences that a user should see.
    """

    masks: MaskReader
    contents: list[Contents]
    measured: list[Measured]
    remarks: Remarks = ()


def survey(
    pairs: Sequence[Files],
    listing: Listing,
    reading: Reading,
    image_size: int,
    progress: Progress = SILENT,
) -> Surveyed:
    """Look at all files.

    Decoding is what takes time. So each mask is measured while it is at hand, as masks are most
    likely to be read, and once more in the rare case that all masks say otherwise.

    Args:
        pairs: of all splits of ``listing``.
        listing: what the layout says of masks.
        reading: what the user says of them.
        image_size: side of SAM's input, at which masks are measured.
        progress: is told how far it is.

    Raises:
        UserError: if a file cannot be read, a mask has another size than its image, or what masks
            mean cannot be decided.
    """
    contents = each(lambda files: probe(files.image), pairs, "looking at images", progress)
    pictures = [Picture(*both) for both in zip(pairs, contents, strict=True)]
    if all(isinstance(files.masks, Outlines) for files in pairs):
        reader = MaskReader()
        drawn = partial(_read_and_measure, reader, image_size)
        return Surveyed(reader, contents, each(drawn, pictures, "drawing masks", progress))
    guess = _guess(pictures[:: max(1, len(pictures) // FEW)], listing, reading)
    first = partial(_look_and_measure, guess, image_size)
    found = each(first, pictures, "looking at masks", progress)
    masks, remarks = _decided([looks for looks, _ in found], listing, reading)
    measured = [one for _, one in found if one]
    if masks != guess or len(measured) < len(found):
        again = partial(_read_and_measure, masks, image_size)
        measured = each(again, pictures, "measuring masks", progress)
    return Surveyed(masks, contents, measured, remarks)


def _decided(
    looks: Iterable[Sequence[Look]], listing: Listing, reading: Reading
) -> tuple[MaskReader, Remarks]:
    """How masks are read, and why, given what the files of each look like."""
    of_images = list(looks)
    apart = any(len(each) > 1 for each in of_images)
    all_looks = [one for each in of_images for one in each]
    if apart:
        meaning, remarks = decide_apart(all_looks, reading)
    else:
        meaning, remarks = decide(all_looks, reading, listing.kind, listing.classes)
    return MaskReader(meaning, apart), remarks


def _guess(few: Sequence[Picture], listing: Listing, reading: Reading) -> MaskReader | None:
    """How masks are read if all are like ``few``; None if these do not say."""
    try:
        return _decided([_looks(picture.files)[0] for picture in few], listing, reading)[0]
    except UserError:  # told when all are looked at, which may say more
        return None


def _looks(files: Files) -> tuple[list[Look], list[Values]]:
    """What the files of a mask look like, and their values."""
    assert not isinstance(files.masks, Outlines)
    rasters = [read_values(source) for source in files.masks]
    values = [raster.upright() for raster in rasters]
    return [look(v, raster.lossy) for v, raster in zip(values, rasters, strict=True)], values


def _is_plain(masks: MaskReader, looks: Sequence[Look]) -> bool:
    """Whether a mask may be measured as it is in its file: large ones take time to copy."""
    if masks.apart or not masks.meaning or not masks.meaning.is_nonzero or looks[0].colours:
        return False
    return looks[0].values <= {value for value, _ in masks.meaning.table}


def _look_and_measure(
    guess: MaskReader | None, image_size: int, picture: Picture
) -> tuple[list[Look], Measured | None]:
    """What the files of a mask look like, and what it holds if ``guess`` is right."""
    looks, values = _looks(picture.files)
    if guess is None:
        return looks, None
    try:
        mask = values[0] if _is_plain(guess, looks) else guess.mask(values)
    except PictureError:  # it is wrong
        return looks, None
    fits_upright(*picture, mask)
    return looks, measure(mask, guess.classes, image_size)


def _read_and_measure(masks: MaskReader, image_size: int, picture: Picture) -> Measured:
    files, contents = picture
    mask = masks.read(files, contents)
    fits_upright(files, contents, mask)
    return measure(mask, masks.classes, image_size)

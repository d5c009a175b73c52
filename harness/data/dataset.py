"""DataSet: the examples of each split; opened from a folder or a file."""

import random
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from samfit.errors import UserError
from samfit.harness.data.example import Example, Kind
from samfit.harness.data.files.intensity import Intensity
from samfit.harness.data.files.pages import pages_of
from samfit.harness.data.layouts.layouts import list_files
from samfit.harness.data.listing import Listing
from samfit.harness.data.mask_reader import MaskReader
from samfit.harness.data.pair import Pair
from samfit.harness.data.ranges import check_intensity, choose_intensity
from samfit.harness.data.reading import AS_FOUND, Reading
from samfit.harness.data.survey import survey
from samfit.harness.data.told import told_of_files
from samfit.progress import SILENT, Progress

IMAGE_SIZE = 1024  # of SAM's input: Kirillov et al., arXiv 2304.02643


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What a data set was opened with."""

    path: str
    reading: Reading = AS_FOUND


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """Examples by split; a split that there is not is empty.

    Attributes:
        name: for tables.
        classes: 1 if masks are binary or show instances; else the number of class indices,
            background included.
        kind: of all masks.
        masks: how their files were understood: a kind, ``coded`` or ``soft``.
        class_names: empty if unknown.
        train, val, test: the examples, in the order of their names.
        remarks: sentences that a user should see, on what was found and what was guessed.
        origin: what ``open_data`` was given; None for examples that were made in another way.
        intensity: how the values of images became those of RGB; None for images made in Python.
    """

    name: str
    classes: int
    kind: Kind = "binary"
    masks: str = ""
    class_names: tuple[str, ...] = ()
    train: tuple[Example, ...] = ()
    val: tuple[Example, ...] = ()
    test: tuple[Example, ...] = ()
    remarks: tuple[str, ...] = ()
    origin: Origin | None = None
    intensity: Intensity | None = None

    def __post_init__(self) -> None:
        if self.classes > 1:
            object.__setattr__(self, "kind", "classes")
        object.__setattr__(self, "masks", self.masks or self.kind)


def open_folder(
    path: Path,
    reading: Reading = AS_FOUND,
    *,
    image_size: int = IMAGE_SIZE,
    trained_on: Intensity | None = None,
    progress: Progress = SILENT,
) -> DataSet:
    """The data set in a folder, or listed in a file.

    All masks are read, to find out what their values mean.

    Args:
        path: a folder of images and masks in a usual layout (``layouts/``), or a CSV or COCO file.
        reading: what is known of it.
        image_size: side of SAM's input, at which masks are measured.
        trained_on: intensities of the images that a model was trained on. Default: found out.
        progress: is told how far it is.

    Raises:
        UserError: if it is not there, holds nothing usable, an image or mask has no partner or
            cannot be read, or if it is not clear how it is to be read.
    """
    try:
        listing = list_files(path, reading)
        splits = {split: pages_of(files, reading.axis) for split, files in listing.splits.items()}
        pairs = [files for split in splits.values() for files in split]
        found = survey(pairs, listing, reading, image_size, progress)
        remarks = (*listing.remarks, *told_of_files(pairs, found.contents), *found.remarks)
        intensity = trained_on
        if intensity is None:
            intensity, more = choose_intensity(splits, found.contents, reading, progress)
            remarks += more
        check_intensity(splits, found.contents, intensity)
    except OSError as error:
        raise UserError(f"{error.filename or path} cannot be read: {error.strerror}.") from error
    rows = zip(pairs, found.contents, found.measured, strict=True)
    examples = iter([Pair(f, c, found.masks, intensity, m) for f, c, m in rows])
    data = DataSet(
        name=listing.name,
        classes=found.masks.classes,
        kind=found.masks.kind,
        masks=found.masks.told,
        class_names=_names(listing, found.masks),
        remarks=remarks,
        intensity=intensity,
    )
    filled: Any = {split: tuple(islice(examples, len(files))) for split, files in splits.items()}
    return replace(data, **filled)


def _names(listing: Listing, masks: MaskReader) -> tuple[str, ...]:
    """The names of classes, or of instances' categories; none if they are of other classes."""
    names = masks.class_names or listing.class_names
    return names if masks.kind == "instances" or len(names) == masks.classes else ()


def with_validation(data: DataSet, share: float, seed: int) -> DataSet:
    """The data set with a ``val``: if it has none, a share of its training examples, at random.

    A share of 0 leaves it without.

    Raises:
        UserError: if the share is not from 0 to below 1, or there is only one example to share.
    """
    if not 0 <= share < 1:
        raise UserError(f"--hold-out must be from 0 to below 1, got {share}.")
    if data.val or share == 0:
        return data
    count = len(data.train)
    if count < 2:
        images = "1 training image" if count else "no training images"
        raise UserError(
            f"{data.name} has {images}; holding out needs at least 2: add more, or give "
            "--hold-out 0."
        )
    held = min(max(round(share * count), 1), count - 1)
    chosen = set(random.Random(seed).sample(range(count), held))
    return replace(
        data,
        train=tuple(data.train[index] for index in range(count) if index not in chosen),
        val=tuple(data.train[index] for index in sorted(chosen)),
    )

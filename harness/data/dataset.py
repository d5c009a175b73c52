"""DataSet: the examples of each split; opened from a folder, without decoding what it holds."""

import os
import random
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from samfit.errors import UserError, spelling_hint
from samfit.harness.data.classes import guess_classes
from samfit.harness.data.example import IGNORED, Example
from samfit.harness.data.folders import read_folders
from samfit.harness.data.listing import Listing
from samfit.harness.data.named import read_named
from samfit.harness.data.pair import Pair
from samfit.harness.data.papers import PAPERS
from samfit.harness.data.table import read_table, read_tables

LAYOUTS = ("auto", *PAPERS)


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What a data set was opened with."""

    path: str
    layout: str = "auto"
    classes: int = 0


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """Examples by split; a split that there is not is empty.

    Attributes:
        name: for tables.
        classes: 1 if masks are binary; else the number of class indices, background included.
        class_names: empty if unknown.
        train, val, test: the examples, in the order of their names.
        remarks: sentences that a user should see, on what was found and what was guessed.
        origin: what ``open_data`` was given; None for examples that were made in another way.
    """

    name: str
    classes: int
    class_names: tuple[str, ...] = ()
    train: tuple[Example, ...] = ()
    val: tuple[Example, ...] = ()
    test: tuple[Example, ...] = ()
    remarks: tuple[str, ...] = ()
    origin: Origin | None = None


def open_folder(path: Path, layout: str = "auto", classes: int = 0) -> DataSet:
    """The data set in a folder, or listed in a CSV file.

    Args:
        path: a folder of images and masks in a usual layout (``folders.py``), or with tables
            (``table.py``); or one such table, for training.
        layout: ``auto``, or the name of a paper's data set that is there as its authors packed it.
        classes: 1 for binary masks, K for class indices 0..K-1. 0 takes what a paper's data set
            has, and otherwise reads all masks to find out, as ``guess_classes`` says.

    Raises:
        UserError: if it is not there, holds nothing usable, or an image or mask has no partner.
    """
    if layout not in LAYOUTS:
        raise UserError(f"there is no layout {layout!r}: {spelling_hint(layout, LAYOUTS)}")
    if not 0 <= classes < IGNORED:
        raise UserError(
            f"--classes must be from 1 to {IGNORED - 1}, or 0 to find out, got {classes}."
        )
    try:
        listing = _list(path, layout)
    except OSError as error:
        raise UserError(f"{error.filename or path} cannot be read: {error.strerror}.") from error
    known, remarks = classes or listing.classes, listing.remarks
    if not known:
        masks = [files.mask for split in listing.splits.values() for files in split]
        known, reason = guess_classes(masks)
        remarks += reason
    pairs: dict[str, Any] = {
        split: tuple(Pair(*each, classes=known) for each in files)
        for split, files in listing.splits.items()
    }
    return DataSet(
        name=listing.name,
        classes=known,
        class_names=listing.class_names if known == listing.classes else (),
        remarks=remarks,
        **pairs,
    )


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


def _list(path: Path, layout: str) -> Listing:
    if os.path.isdir(path):  # noqa: PTH112 - the method raises for names that are too long
        if layout != "auto":
            return read_named(path, layout)
        return read_tables(path) or read_folders(path)
    if os.path.isfile(path) and path.suffix.lower() == ".csv":  # noqa: PTH113
        return read_table(path)
    raise UserError(f"{path} is neither a folder nor a CSV file: check --data.")

"""The one entrance: which layout a folder or file has, and what it lists."""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from samfit.errors import UserError, spelling_hint
from samfit.harness.data.layouts.arrays import read_archives
from samfit.harness.data.layouts.cityscapes import read_cityscapes
from samfit.harness.data.layouts.coco import read_coco, read_coco_file
from samfit.harness.data.layouts.coco_objects import OnlyBoxesError
from samfit.harness.data.layouts.folders import read_folders
from samfit.harness.data.layouts.isic import read_isic
from samfit.harness.data.layouts.named import read_named
from samfit.harness.data.layouts.nnunet import read_nnunet
from samfit.harness.data.layouts.pairs import read_pairs
from samfit.harness.data.layouts.papers import PAPERS
from samfit.harness.data.layouts.table import read_table, read_tables
from samfit.harness.data.layouts.tree import Tree, walk
from samfit.harness.data.layouts.unknown import nothing, unused
from samfit.harness.data.layouts.voc import read_voc
from samfit.harness.data.layouts.yolo import read_yolo
from samfit.harness.data.listing import SPLITS, Files, Listing
from samfit.harness.data.outlines import Outlines
from samfit.harness.data.reading import Reading

Reader = Callable[[Tree, Reading], Listing | None]

# In the order in which they are tried: the more a layout says of itself, the earlier.
READERS: dict[str, Reader] = {
    "csv": read_tables,
    "coco": read_coco,
    "voc": read_voc,
    "cityscapes": read_cityscapes,
    "nnunet": read_nnunet,
    "isic": read_isic,
    "npz": read_archives,
    "yolo": read_yolo,
    "folders": read_folders,
    "pairs": read_pairs,
}
LAYOUTS = ("auto", *READERS, *PAPERS)
FILES = {".csv": read_table, ".tsv": read_table, ".json": read_coco_file}


def list_files(path: Path, reading: Reading) -> Listing:
    """The images and masks in a folder, or those that a CSV or COCO file lists.

    Args:
        path: the folder or file.
        reading: ``layout`` says which of ``LAYOUTS``; ``auto`` takes the first that fits.

    Raises:
        UserError: if it is not there or holds nothing usable, or what belongs together is not told.
    """
    if reading.layout not in LAYOUTS:
        raise UserError(
            f"there is no layout {reading.layout!r}: {spelling_hint(reading.layout, LAYOUTS)}"
        )
    try:
        listing = _list(path, reading)
    except OSError as error:
        raise UserError(f"{error.filename or path} cannot be read: {error.strerror}.") from error
    _refuse_same_names(listing)
    _refuse_other_masks(listing, reading)
    in_order = {split: listing.splits[split] for split in SPLITS if split in listing.splits}
    return replace(listing, splits=in_order)


def _list(path: Path, reading: Reading) -> Listing:
    if os.path.isfile(path) and path.suffix.lower() in FILES:  # noqa: PTH113
        return FILES[path.suffix.lower()](path, reading)
    if not os.path.isdir(path):  # noqa: PTH112 - the method raises for names that are too long
        raise UserError(f"{path} is neither a folder nor a CSV or COCO file: check --data.")
    if reading.layout in PAPERS:
        return read_named(path, reading.layout)
    tree = walk(path)
    layout = "csv" if reading.columns else reading.layout
    tried = READERS if layout == "auto" else {layout: READERS[layout]}
    boxes = list[OnlyBoxesError]()
    for layout, read in tried.items():
        try:
            listing = read(tree, reading)
        except OnlyBoxesError as error:
            boxes.append(error)
            continue
        if listing:
            return _told(tree, layout, listing)
    raise boxes[0] if boxes else UserError(nothing(tree))


def _told(tree: Tree, layout: str, listing: Listing) -> Listing:
    """With remarks on the layout, unless it is a usual one, and on files that are not used."""
    used = {*listing.accounted}
    for files in _all_files(listing):
        used |= {files.image.path, *files.image.more}
        if isinstance(files.masks, Outlines):
            used.add(files.masks.file)
        else:
            used |= {mask.path for mask in files.masks}
    usual = layout in ("csv", "folders")
    said = () if usual else (f"read as the layout {layout}: --layout takes another.",)
    return replace(listing, remarks=(*said, *listing.remarks, *unused(tree, used)))


def _all_files(listing: Listing) -> Iterator[Files]:
    return (files for split in listing.splits.values() for files in split)


def _refuse_other_masks(listing: Listing, reading: Reading) -> None:
    """What a file draws as objects is nothing else, and has no values."""
    given = {
        f"--masks {reading.masks}": reading.masks not in ("auto", "instances"),
        "--classes": bool(reading.classes),
        "--ignore": bool(reading.ignore),
        "--foreground": bool(reading.foreground),
    }
    option = next((option for option, is_given in given.items() if is_given), None)
    for files in _all_files(listing) if option else ():
        if isinstance(files.masks, Outlines):
            raise UserError(f"{files.masks.file} draws objects: drop {option}.")


def _refuse_same_names(listing: Listing) -> None:
    for split, files in listing.splits.items():
        twice = [name for name, n in Counter(each.name for each in files).items() if n > 1]
        if twice:
            raise UserError(f"{split} has two images called {twice[0]}: rename or remove one.")

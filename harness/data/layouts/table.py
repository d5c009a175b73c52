"""Pairs listed in CSV files, as AutoGluon packs them, or with columns of other names."""

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from samfit.errors import UserError
from samfit.harness.data.layouts.arrays import source
from samfit.harness.data.layouts.columns import Columns, choose
from samfit.harness.data.layouts.sheet import Sheet, folder_of, open_sheet, portable
from samfit.harness.data.layouts.tree import Tree, is_image_file, stem
from samfit.harness.data.layouts.words import SPLIT_WORDS, split_of, words
from samfit.harness.data.listing import SPLITS, Files, Listing, joined
from samfit.harness.data.reading import Reading

Splits = dict[str, list[Files]]
RUNS = re.compile(r"\d+ \d+( \d+ \d+)+")


def read_table(path: Path, reading: Reading) -> Listing:
    """The pairs in one table: for training, or of the splits that a column of it says.

    Paths in it are relative to its folder, or to the one above. Several masks of an image, each
    on a line of its own, are objects of it.

    Raises:
        UserError: if it cannot be read, does not tell images and masks, or a row is incomplete.
    """
    sheet = open_sheet(path)
    columns = choose(sheet, reading.columns)
    if columns is None:
        raise UserError(f"{_unclear(sheet)}.")
    name = f"{path.resolve().parent.name} {path.stem}"
    return _listing(name, _pairs(sheet, columns), sheet.remarks, ())


def read_tables(tree: Tree, reading: Reading) -> Listing | None:
    """The pairs in the tables of a folder, whose names say the split (``test_easy.csv``).

    If no name does, there may be one table. None if no table is about images and masks.

    Raises:
        UserError: if a table cannot be read, a row is incomplete, or it is not told which to use.
    """
    found = _usable(tree, reading)
    named = {path: sheet for path, sheet in found.items() if split_of(path.stem)}
    if not named and len(found) > 1:
        raise UserError(
            f"{' and '.join(map(str, found))} are tables of images and masks: give the one to use "
            "as --data."
        )
    splits, parts = defaultdict[str, list[Files]](list), defaultdict[str, dict[str, int]](dict)
    remarks = list[str]()
    for path, (sheet, columns) in (named or found).items():
        remarks += sheet.remarks
        for split, files in _pairs(sheet, columns, split_of(path.stem)).items():
            parts[split][path.name] = len(files)
            splits[split] += [each._replace(name=_prefix(path) + each.name) for each in files]
    remarks += [remark for split in SPLITS for remark in joined(split, parts[split])]
    name = tree.root.resolve().name
    return _listing(name, splits, remarks, named or found) if splits else None


def unclear(tree: Tree) -> Iterator[str]:
    """For each table of a folder, why it is not read, as the beginning of a sentence."""
    for path in _tables(tree):
        try:
            yield _unclear(open_sheet(path))
        except UserError as error:
            yield str(error).removesuffix(".")


def _unclear(sheet: Sheet) -> str:
    if not sheet.head and not sheet.rows:
        return f"{sheet.path} is empty"
    named = ", ".join(sheet.head) or "no names"
    if any(RUNS.fullmatch(cell.strip()) for cell in sheet.first):
        return (
            f"{sheet.path} with the columns {named} holds runs of pixels (RLE), but does not say "
            "whether they go by rows or by columns: write them as masks, or as COCO"
        )
    return (
        f"{sheet.path} has the columns {named}: --columns says which two hold images and masks, "
        "such as --columns img_path,mask_path"
    )


def _listing(name: str, splits: Splits, remarks: Iterable[str], tables: Iterable[Path]) -> Listing:
    several = any(len(files.masks) > 1 for pairs in splits.values() for files in pairs)
    return Listing(
        name=name,
        splits={split: splits[split] for split in SPLITS if split in splits},
        kind="instances" if several else None,
        remarks=tuple(remarks),
        accounted=tuple(tables),
    )


def _tables(tree: Tree) -> list[Path]:
    """The tables in a folder and in those directly in it."""
    return [
        tree.path(parts, name)
        for parts, names in tree.folders.items()
        if len(parts) < 2
        for name in names
        if name.lower().endswith((".csv", ".tsv"))
    ]


def _usable(tree: Tree, reading: Reading) -> dict[Path, tuple[Sheet, Columns]]:
    """The tables about images and masks: a column called label may hold words or numbers.

    Raises:
        UserError: if there is none because columns asked for are not there, or if one that is
            named after a split cannot be read.
    """
    found, absent = dict[Path, tuple[Sheet, Columns]](), list[UserError]()
    for path in _tables(tree):
        try:
            sheet = open_sheet(path)
        except UserError:
            if split_of(path.stem):
                raise
            continue
        try:
            columns = choose(sheet, reading.columns)
        except UserError as error:
            absent.append(error)
            continue
        if columns and all(map(is_image_file, sheet.cells(columns[:2]))):
            found[path] = sheet, columns
    if absent and not found and reading.columns:
        raise absent[0]
    return found


def _prefix(table: Path) -> str:
    """For names of images: what a table's name says beside the split."""
    if not split_of(table.stem) or {*words(table.stem)} <= SPLIT_WORDS.keys():
        return ""
    return table.stem.removeprefix("test_") + "/"


def _pairs(sheet: Sheet, columns: Columns, of: str = "") -> Splits:
    """The files of each split that a column says, else of the split ``of``, else of train."""
    masks = defaultdict[tuple[str, Path], list[Path]](list)
    said, folder = _splits(sheet, columns), None
    for line in sheet.rows:
        cells = [portable(sheet.cell(line, at)) for at in columns[:2]]
        for cell, what in zip(cells, ("image", "mask"), strict=True):
            if not cell:
                raise UserError(f"{sheet.path} has no {what} in line {line}: complete it.")
        folder = folder or folder_of(sheet.path, cells[0]) or sheet.path.parent
        image, mask = (folder / cell for cell in cells)
        if image == mask:
            raise UserError(
                f"{sheet.path} lists {cells[0]} as its own mask in line {line}: mend it."
            )
        theirs = masks[of or said.get(line, "train"), image]
        if mask in theirs:
            raise UserError(f"{sheet.path} lists {cells[0]} again in line {line}: remove it.")
        theirs.append(mask)
    if not masks:
        raise UserError(f"{sheet.path} lists no images: add some, or remove the table.")
    names, splits = _names(image for _, image in masks), defaultdict[str, list[Files]](list)
    for (split, image), theirs in masks.items():
        sources = tuple(source(mask, "mask") for mask in theirs)
        splits[split].append(Files(source(image, "image"), sources, names[image]))
    for files in splits.values():
        twice = [name for name, n in Counter(each.name for each in files).items() if n > 1]
        if twice:
            raise UserError(f"{sheet.path} lists two images called {twice[0]}: rename one.")
    return splits


def _splits(sheet: Sheet, columns: Columns) -> Mapping[int, str]:
    """The split of each line, if a column says any."""
    if columns.split is None:
        return {}
    cells = {line: sheet.cell(line, columns.split) for line in sheet.rows}
    splits = {line: split_of(cell) for line, cell in cells.items()}
    if not any(splits.values()):
        return {}  # folds
    for line, split in splits.items():
        if not split:
            raise UserError(
                f"{sheet.path} has the split {cells[line]!r} in line {line}: "
                "write train, val or test."
            )
    return splits


def _names(images: Iterable[Path]) -> dict[Path, str]:
    """The images' paths below the folder that they share, without suffixes."""
    paths = {image: Path(os.path.abspath(image)) for image in images}  # noqa: PTH100 - no links
    shared = os.path.commonpath([path.parent for path in paths.values()])
    return {
        image: path.relative_to(shared).with_name(stem(path.name)).as_posix()
        for image, path in paths.items()
    }

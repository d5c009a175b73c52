"""Pairs listed in CSV files with the columns ``image`` and ``label``, as AutoGluon packs them."""

import csv
import os
from pathlib import Path

from samfit.errors import UserError
from samfit.harness.data.listing import SPLITS, Files, Listing, joined


def read_table(path: Path) -> Listing:
    """The pairs in one table, for training.

    Paths in it are relative to its folder.

    Raises:
        UserError: if it cannot be read, has other columns, or a row is incomplete.
    """
    pairs = _pairs(path)
    if pairs is None:
        raise UserError(f"{path} has no columns image and label: add them to its first line.")
    return Listing(name=f"{path.resolve().parent.name} {path.stem}", splits={"train": pairs})


def read_tables(folder: Path) -> Listing | None:
    """The pairs in ``train.csv``, ``val.csv``, ``test.csv`` and ``test_*.csv`` of a folder.

    None if it has none of these with the right columns: other tables are not about pairs.

    Raises:
        UserError: if a table cannot be read, or a row is incomplete.
    """
    splits, remarks = {}, list[str]()
    for split in SPLITS:
        subsets = sorted(folder.glob("test_*.csv")) if split == "test" else []
        found = {
            path: _pairs(path) for path in (folder / f"{split}.csv", *subsets) if path.is_file()
        }
        listed = {path: pairs for path, pairs in found.items() if pairs is not None}
        if listed:
            remarks += joined(split, {path.name: len(pairs) for path, pairs in listed.items()})
            splits[split] = [
                files._replace(name=path.stem.removeprefix("test_") + "/" + files.name)
                if path in subsets
                else files
                for path, pairs in listed.items()
                for files in pairs
            ]
    if not splits:
        return None
    return Listing(name=folder.resolve().name, splits=splits, remarks=tuple(remarks))


def _pairs(path: Path) -> list[Files] | None:
    """What a table lists; None if it has other columns."""
    images, masks = list[Path](), list[Path]()
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            if not {"image", "label"} <= {*(rows.fieldnames or ())}:
                return None
            for row in rows:
                for column, files in (("image", images), ("label", masks)):
                    if not row[column]:
                        line = rows.line_num
                        raise UserError(f"{path} has no {column} in line {line}: complete it.")
                    # Tables written on Windows separate folders by backslashes.
                    files.append(path.parent / row[column].replace("\\", "/"))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path} is not a readable table: save it as CSV in UTF-8.") from error
    if not images:
        raise UserError(f"{path} lists no images: add some, or remove the table.")
    names = _names(images)
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise UserError(f"{path} lists two images called {twice}: rename or remove one.")
    return [Files(*files) for files in zip(images, masks, names, strict=True)]


def _names(images: list[Path]) -> list[str]:
    """The images' paths below the folder that they share, without suffixes."""
    paths = [Path(os.path.abspath(image)) for image in images]  # noqa: PTH100 - follows no links
    shared = os.path.commonpath([path.parent for path in paths])
    return [path.relative_to(shared).as_posix().removesuffix(path.suffix) for path in paths]

"""The files of a folder and all folders below, as their names say; none is opened."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from samfit.errors import UserError
from samfit.harness.data.files.read import ARRAYS, is_picture

RUBBISH = ("__MACOSX",)  # what macOS adds to archives: a hidden copy of every name

Parts = tuple[str, ...]  # the names of a folder and of those above it, below the root


@dataclass(frozen=True)
class Tree:
    """What is visible in a folder.

    Attributes:
        root: the folder.
        folders: the names of the files in each folder that holds any, sorted.
    """

    root: Path
    folders: Mapping[Parts, list[str]]

    def images(self) -> Iterator[tuple[Parts, list[str]]]:
        """Every folder that holds files that images or masks are read from, and their names."""
        for parts, names in self.folders.items():
            pictures = [name for name in names if is_image_file(name)]
            if pictures:
                yield parts, pictures

    def ending(self, suffix: str) -> Iterator[tuple[Parts, list[str]]]:
        """Every folder that holds files of this suffix, and their names."""
        for parts, names in self.folders.items():
            found = [name for name in names if name.lower().endswith(suffix)]
            if found:
                yield parts, found

    def by_stem(self, parts: Parts) -> dict[str, Path]:
        """The files of one folder that images or masks are read from, by their names.

        Raises:
            UserError: if two have the same name.
        """
        found = dict[str, Path]()
        for name in filter(is_image_file, self.folders.get(parts, ())):
            path = self.path(parts, name)
            other = found.setdefault(stem(name), path)
            if other != path:
                raise UserError(f"{other} and {path} have the same name: rename or remove one.")
        return found

    def path(self, parts: Parts, name: str = "") -> Path:
        """Of a folder, or of a file in it."""
        return self.root.joinpath(*parts, name)


def is_image_file(name: str) -> bool:
    """Whether images or masks are read from files of this name: pictures, arrays and volumes."""
    return is_picture(name) or (not name.startswith(".") and name.lower().endswith(ARRAYS))


def stem(name: str) -> str:
    """The name without its suffix, which may have two parts (``.nii.gz``)."""
    cut = len(".nii.gz") if name.lower().endswith(".nii.gz") else 0
    return name[:-cut] if cut else os.path.splitext(name)[0]  # noqa: PTH122 - of a name


def walk(root: Path) -> Tree:
    """The files below ``root``; hidden ones, and folders that lead in circles, are passed over.

    Raises:
        OSError: if a folder cannot be read.
    """
    found = dict[Parts, list[str]]()
    for folder, folders, names in os.walk(root, onerror=_unreadable, followlinks=True):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and name not in RUBBISH and not _leads_up(folder, name)
        )
        visible = sorted(name for name in names if not name.startswith("."))
        if visible:
            found[Path(folder).relative_to(root).parts] = visible
    return Tree(root, found)


def _leads_up(folder: str, name: str) -> bool:
    """A link to a folder that holds it would be walked forever."""
    link = Path(folder, name)
    return link.is_symlink() and Path(folder).resolve().is_relative_to(link.resolve())


def _unreadable(error: OSError) -> None:
    raise error  # instead of passing the folder over

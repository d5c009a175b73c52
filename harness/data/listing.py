"""Listing: what a folder or a table says, before any file is decoded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from samfit.harness.data.example import Kind
from samfit.harness.data.outlines import Outlines
from samfit.harness.data.source import Source

SPLITS = ("train", "val", "test")
MOST_NAMED = 8  # parts of a split that a remark lists


class Files(NamedTuple):
    """An image, its mask, and the name of the two, which is unique in its split.

    Attributes:
        image: where it is.
        masks: one; or several, each of which shows objects of the image; or outlines.
        name: for messages and output files.
    """

    image: Source
    masks: tuple[Source, ...] | Outlines
    name: str


@dataclass(frozen=True, kw_only=True)
class Listing:
    """The files of each split.

    Attributes:
        name: of the data set, for tables.
        splits: the files of each of ``SPLITS`` that there is.
        kind: of the masks, if the layout says it.
        classes: their number if it is known, else 0.
        class_names: empty if unknown; of instances, the names of their categories.
        remarks: sentences that a user should see.
        accounted: other files that were read, or that a remark says are not used.
    """

    name: str
    splits: Mapping[str, list[Files]]
    kind: Kind | None = None
    classes: int = 0
    class_names: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    accounted: tuple[Path, ...] = ()


def joined(split: str, parts: Mapping[str, int]) -> tuple[str, ...]:
    """The remark, if any, that a split joins several data sets; with the images of each."""
    if len(parts) < 2:
        return ()
    named = named_counts(dict(sorted(parts.items())))
    return (f"{split} joins {named}: to use only one of them, give its path as --data.",)


def without_masks(split: str, images: int) -> str:
    """The remark that a split is not used."""
    return f"{split} has images ({images:,}) but no masks, and is left out."


def by_category(objects: Mapping[int, int], names: Sequence[str]) -> str:
    """The remark on how many objects are of which category; those without names by their index."""
    parts = {
        names[index] if index < len(names) else str(index): count
        for index, count in sorted(objects.items())
    }
    return f"objects by category: {named_counts(parts)}."


def named_counts(parts: Mapping[str, int]) -> str:
    """Parts with their counts in brackets; the first of many."""
    named = [f"{part} ({count:,})" for part, count in parts.items()]
    if len(named) > MOST_NAMED:
        named[MOST_NAMED:] = [f"{len(named) - MOST_NAMED} more"]
    return ", ".join(named)

"""Listing: what a folder or a table says, before any file is decoded."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from samfit.harness.data.example import Kind
from samfit.harness.data.outlines import Outlines
from samfit.harness.data.source import Source

SPLITS = ("train", "val", "test")
MOST_NAMED = 8  # parts of a split that a remark lists


class Files(NamedTuple):
    """An image, its mask, and the name of the two, which is unique in its split.

    Attributes:
        image: its file.
        masks: one file; or several, each of which shows objects of the image; or outlines.
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
    """

    name: str
    splits: Mapping[str, list[Files]]
    kind: Kind | None = None
    classes: int = 0
    class_names: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def joined(split: str, parts: Mapping[str, int]) -> tuple[str, ...]:
    """The remark, if any, that a split joins several data sets; with the images of each."""
    if len(parts) < 2:
        return ()
    named = [f"{part} ({count:,})" for part, count in sorted(parts.items())]
    if len(named) > MOST_NAMED:
        named[MOST_NAMED:] = [f"{len(named) - MOST_NAMED} more"]
    parts_named = ", ".join(named)
    return (f"{split} joins {parts_named}: to use only one of them, give its path as --data.",)

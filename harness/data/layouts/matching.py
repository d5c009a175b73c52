"""Images and masks matched by their names, and every one that is left over named."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import chain, product
from pathlib import Path
from typing import NamedTuple

from samfit.errors import UserError
from samfit.harness.data.example import Kind
from samfit.harness.data.layouts.arrays import source
from samfit.harness.data.layouts.names import (
    Common,
    Found,
    alike,
    same,
    without_ending,
    without_head,
)
from samfit.harness.data.layouts.several import Matched, take_numbered, take_words
from samfit.harness.data.listing import SPLITS, Files

Key = Callable[[Found], str]


class Matches(NamedTuple):
    """What belongs together.

    Attributes:
        splits: the files of each split that has images, in the order of their names.
        kind: ``instances`` if an image has several masks, each of which shows objects of it.
        remarks: on how names were read.
    """

    splits: dict[str, list[Files]]
    kind: Kind | None
    remarks: tuple[str, ...]


def match(images: Iterable[Found], masks: Sequence[Found], objects: bool = False) -> Matches:
    """The masks of each image.

    Args:
        objects: that masks called after an image and a word (``1_cup.png``, ``1_disc.png``) are
            objects of that image; otherwise they are asked about.

    Raises:
        UserError: if an image or a mask is left over, or belongs to two.
    """
    images_of = defaultdict(list)
    for image in images:
        images_of[image.split].append(image)
    splits, used, remarks = dict[str, list[Files]](), set[Path](), dict[str, None]()
    for split in SPLITS:
        if split in images_of:
            theirs = [mask for mask in masks if mask.split in (split, "")]
            matched, reason = _match_split(images_of[split], theirs, objects)
            used.update(mask.path for several in matched.values() for mask in several)
            remarks.update(dict.fromkeys(reason))
            files = [_files(image, several) for image, several in matched.items()]
            splits[split] = sorted(files, key=lambda each: each.name)
    refuse_left("mask", "image", [mask.path for mask in masks if mask.path not in used])
    remarks.update(dict.fromkeys(_said(splits)))
    several = any(len(files.masks) > 1 for pairs in splits.values() for files in pairs)
    return Matches(splits, "instances" if several else None, tuple(remarks))


def refuse_left(what: str, other: str, left: Sequence[Path]) -> None:
    """Nothing may be left over.

    Raises:
        UserError: if something is; it names the first of them.
    """
    if left:
        more = f" (one of {len(left):,} such {what}s)" if len(left) > 1 else ""
        raise UserError(
            f"the {what} {min(left)} has no {other} of the same name{more}: "
            "complete the pairs, or remove what has no partner."
        )


def _match_split(
    images: list[Found], masks: list[Found], objects: bool
) -> tuple[Matched, list[str]]:
    matched, remarks, every = Matched(), list[str](), images
    # From strict to lenient, so that no file loses its own partner to one with a similar name.
    for key in (same, alike, without_ending, without_head):
        images, masks = _pair(images, masks, matched, key, key)
    masks = take_numbered(every, masks, matched)
    images = [image for image in images if image not in matched]
    if images and masks:
        ours, theirs = _common(images, masks)
        before = len(matched)
        images, masks = _pair(images, masks, matched, ours.cut, theirs.cut)
        if len(matched) > before:
            remarks.append(f"images are called {ours}, and their masks {theirs}.")
    if images and masks and not {*map(_name, images)} ^ {*map(_name, masks)}:
        images, masks = _pair(images, masks, matched, _name, _name)
    take_words(every, masks, matched, objects)
    refuse_left("image", "mask", [image.path for image in every if image not in matched])
    return matched, remarks


def _pair(
    images: list[Found], masks: list[Found], matched: Matched, ours: Key, theirs: Key
) -> tuple[list[Found], list[Found]]:
    """Adds pairs of the same key to ``matched``; gives the images and masks that are left."""
    images_by, masks_by = _by(ours, images), _by(theirs, masks)
    for name in images_by.keys() & masks_by.keys():
        image, mask = _only(images_by.pop(name), "images"), _only(masks_by.pop(name), "masks")
        matched[image] = [mask]
    return [*chain(*images_by.values())], [*chain(*masks_by.values())]


def _common(images: list[Found], masks: list[Found]) -> tuple[Common, Common]:
    """What to cut from the names of all images, and of all masks, so that most are the same."""
    ways = product(Common.of(images).ways(), Common.of(masks).ways())
    return max(ways, key=lambda way: len({*map(way[0].cut, images)} & {*map(way[1].cut, masks)}))


def _name(file: Found) -> str:
    return without_ending(file).rpartition("/")[2]


def _by(key: Key, files: Iterable[Found]) -> dict[str, list[Found]]:
    grouped = defaultdict(list)
    for file in files:
        grouped[key(file)].append(file)
    return grouped


def _only(files: list[Found], what: str) -> Found:
    if len(files) > 1:
        raise UserError(
            f"{files[0].path} and {files[1].path} are {what} of the same name: "
            "rename or remove one of them."
        )
    return files[0]


def _files(image: Found, masks: list[Found]) -> Files:
    ordered = sorted(masks, key=lambda mask: _in_order(mask.path))
    return Files(
        source(image.path, "image"),
        tuple(source(mask.path, "mask") for mask in ordered),
        same(image),
    )


def _in_order(path: Path) -> list[tuple[int, str]]:
    """Numbers in names count as numbers: 10 comes after 9."""
    parts = re.split(r"(\d+)", str(path))
    return [(int(part), "") if at % 2 else (0, part) for at, part in enumerate(parts)]


def _said(splits: dict[str, list[Files]]) -> Iterable[str]:
    counts = [len(files.masks) for pairs in splits.values() for files in pairs]
    if max(counts, default=0) > 1:
        yield (
            f"{len(counts):,} images have {sum(counts):,} masks, up to {max(counts):,} an image: "
            "each shows objects of its image."
        )

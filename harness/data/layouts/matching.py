"""Images and masks matched by their names, and every one that is left over named."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import chain, product
from pathlib import Path
from typing import Any, NamedTuple

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
from samfit.harness.data.layouts.several import Matched, take_alone, take_numbered, take_words
from samfit.harness.data.listing import SPLITS, Files, Listing, without_masks
from samfit.harness.data.reading import Reading

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


def listed(
    root: Path,
    images: Iterable[Found],
    masks: Sequence[Found],
    reading: Reading,
    remarks: Iterable[str] = (),
) -> Listing:
    """The data set of these files; splits without masks are left out, which is said.

    Raises:
        UserError: as ``match`` does.
    """
    labelled = {mask.split for mask in masks}
    used, bare = list[Found](), defaultdict[str, list[Path]](list)
    for image in images:
        if labelled & {image.split, ""}:
            used.append(image)
        else:
            bare[image.split].append(image.path)
    matches = match(used, masks, objects=reading.masks == "instances")
    left_out = [without_masks(split, len(bare[split])) for split in SPLITS if split in bare]
    return Listing(
        name=root.resolve().name,
        splits=matches.splits,
        kind=matches.kind,
        remarks=(*remarks, *left_out, *matches.remarks),
        accounted=tuple(chain(*bare.values())),
    )


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
    _refuse_folder((mask.path for mask in masks), used)
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
    left, remarks = _Left(images, masks, objects), list[str]()
    # From strict to lenient, so that no file loses its own partner to one with a similar name.
    for key in (same, alike, without_ending, without_head):
        left.pair(key, key)
    left.masks = take_numbered(images, left.masks, left.matched)
    left.images = [image for image in images if image not in left.matched]
    ours, theirs = _common(left.images, left.masks)
    if left.pair(ours.cut, theirs.cut):
        remarks.append(f"images are called {ours}, and their masks {theirs}.")
    left.pair_all(_without_place(without_ending), _without_place(without_ending))
    ours, theirs = Common.of(left.images), Common.of(left.masks)
    if left.pair_all(_without_place(ours.cut), _without_place(theirs.cut)):
        remarks.append(f"images are called {ours}, and their masks {theirs}.")
    for take, remark in (
        (take_alone, "masks belong to the one image in their folder."),
        (partial(take_words, objects=objects), "names of masks begin with those of their images."),
    ):
        without = len(left.masks)
        left.masks = take(images, left.masks, left.matched)
        if len(left.masks) < without:
            remarks.append(remark)
    refuse_left("image", "mask", [image.path for image in images if image not in left.matched])
    return left.matched, remarks


class _Left:
    """The images and masks of a split that have no partner yet, and the pairs found.

    Attributes:
        images, masks: without a partner.
        matched: the masks of each image that has some.
    """

    def __init__(self, images: list[Found], masks: list[Found], objects: bool) -> None:
        self.images, self.masks, self.objects = images, masks, objects
        self.matched = Matched()

    def pair(self, ours: Key, theirs: Key) -> int:
        """Matches images and masks with the same key; gives how many images.

        Raises:
            UserError: if several have that key, unless they are masks that are objects.
        """
        images_by, masks_by = _by(ours, self.images), _by(theirs, self.masks)
        names = images_by.keys() & masks_by.keys()
        for name in sorted(names):
            images, masks = images_by.pop(name), masks_by.pop(name)
            if len(images) > 1:
                _refuse_same("images", images)
            if len({mask.path.parent for mask in masks}) < len(masks):
                _refuse_same("masks", masks)
            if len(masks) > 1 and not self.objects:
                raise UserError(
                    f"{masks[0].path} and {masks[1].path} are both masks of {images[0].path}: "
                    "--masks instances takes each as objects of it; otherwise give one mask an "
                    "image, of class indices if these are classes."
                )
            self.matched[images[0]] = masks
        self.images, self.masks = [*chain(*images_by.values())], [*chain(*masks_by.values())]
        return len(names)

    def pair_all(self, ours: Key, theirs: Key) -> int:
        """The same where every image and every mask finds one, and nothing otherwise."""
        if {*map(ours, self.images)} != {*map(theirs, self.masks)}:
            return 0
        return self.pair(ours, theirs)


def _refuse_same(what: str, files: Sequence[Found]) -> None:
    raise UserError(
        f"{files[0].path} and {files[1].path} are {what} of the same name: "
        "rename or remove one of them."
    )


def _refuse_folder(masks: Iterable[Path], used: set[Path]) -> None:
    """A folder of masks that belong to nothing, beside one of masks that do, is said as such."""
    matched = {path.parent for path in used}
    for folder, paths in _by(lambda path: path.parent, [*{*masks} - used]).items():
        if matched and folder not in matched:
            raise UserError(
                f"images find their masks in {min(matched)}, and nothing belongs to those in "
                f"{folder} ({len(paths):,}): move the folder that is not meant elsewhere."
            )


def _common(images: list[Found], masks: list[Found]) -> tuple[Common, Common]:
    """What to cut from the names of all images, and of all masks, so that most are the same."""
    ways = product(Common.of(images).ways(), Common.of(masks).ways())
    return max(ways, key=lambda way: len({*map(way[0].cut, images)} & {*map(way[1].cut, masks)}))


def _without_place(key: Key) -> Key:
    return lambda file: key(file).rpartition("/")[2]


def _by(key: Callable[[Any], Any], files: Iterable[Any]) -> dict[Any, list[Any]]:
    grouped = defaultdict(list)
    for file in files:
        grouped[key(file)].append(file)
    return grouped


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
            "each mask shows objects of its image."
        )

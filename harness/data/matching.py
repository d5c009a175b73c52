"""Images and masks matched by their names, and every one that is left over named."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from samfit.errors import UserError
from samfit.harness.data.listing import SPLITS, Files

ENDINGS = re.compile(r"[ _-](mask|segmentation|seg|labels?|gt|groundtruth|image|img)$")


class Found(NamedTuple):
    """A picture file, and where its folders put it.

    Attributes:
        path: the file.
        split: one of ``SPLITS``, or empty for a mask that serves any.
        place: its folders but for those that tell images from masks and one split from another.
    """

    path: Path
    split: str
    place: tuple[str, ...] = ()


def match(images: Iterable[Found], masks: Sequence[Found]) -> dict[str, list[Files]]:
    """The pairs of each split that has images, in the order of their names.

    Raises:
        UserError: if an image or a mask is left over, or has two candidates.
    """
    images_of = defaultdict(list)
    for image in images:
        images_of[image.split].append(image)
    pairs = {
        split: _match_split(images_of[split], [mask for mask in masks if mask.split in (split, "")])
        for split in SPLITS
        if split in images_of
    }
    used = {files.mask for split in pairs.values() for files in split}
    _refuse("mask", "image", [mask.path for mask in masks if mask.path not in used])
    return pairs


def _same(file: Found) -> str:
    return "/".join((*file.place, file.path.stem))


def _alike(file: Found) -> str:
    return unicodedata.normalize("NFC", _same(file)).casefold()


def _without_ending(file: Found) -> str:
    return ENDINGS.sub("", _alike(file))


def _match_split(images: list[Found], masks: list[Found]) -> list[Files]:
    pairs = []
    # From strict to lenient, so that no file loses its own partner to one with a similar name.
    for key in (_same, _alike, _without_ending):
        images_by, masks_by = _by(key, images), _by(key, masks)
        matched = images_by.keys() & masks_by.keys()
        for name in sorted(matched):
            image, mask = _only(images_by[name], "images"), _only(masks_by[name], "masks")
            pairs.append(Files(image.path, mask.path, _same(image)))
        images = [image for image in images if key(image) not in matched]
        masks = [mask for mask in masks if key(mask) not in matched]
    _refuse("image", "mask", [image.path for image in images])
    return sorted(pairs, key=lambda files: files.name)


def _by(key: Callable[[Found], str], files: Iterable[Found]) -> dict[str, list[Found]]:
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


def _refuse(what: str, other: str, left: Sequence[Path]) -> None:
    if left:
        more = f" (one of {len(left):,} such {what}s)" if len(left) > 1 else ""
        raise UserError(
            f"the {what} {min(left)} has no {other} of the same name{more}: "
            "complete the pairs, or remove what has no partner."
        )

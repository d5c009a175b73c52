"""Folders of images and masks in the usual layouts, told by the folders' names."""

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from samfit.errors import UserError
from samfit.harness.data.listing import SPLITS, Listing, joined
from samfit.harness.data.matching import Found, match
from samfit.harness.data.pixels import is_picture

# Words that folders' names are made of, in any case and with any numbers (``train_images``,
# ``train2017``). A name with any other word does not tell images from masks (``GT_edges``), but if
# it names a split, its files are of that split (``test_easy``).
IMAGES = ("image", "images", "img", "imgs")
MASKS = (
    "mask", "masks", "label", "labels", "gt", "gts", "groundtruth", "annotation", "annotations",
    "segmentation", "segmentations",
)  # fmt: skip
SPLIT_WORDS = {
    word + ending: split
    for word, split in {
        "train": "train", "training": "train",
        "val": "val", "valid": "val", "validation": "val",
        "test": "test", "testing": "test",
    }.items()
    for ending in ("", "set", "data", "dataset")
}  # fmt: skip
MUTE = ("data", "dataset", "set", "object", "objects")
ROLES = {"mask": {*MASKS}, "image": {*IMAGES}}
WORDS = {*IMAGES, *MASKS, *SPLIT_WORDS, *MUTE}


class _Meaning(NamedTuple):
    """What the folders above a file say of it.

    Attributes:
        role: ``image``, ``mask``, or empty.
        split: one of ``SPLITS``, or empty.
        place: the names of folders with words of their own.
        home: the folders above the one that says ``role``.
    """

    role: str
    split: str
    place: tuple[str, ...]
    home: str


def read_folders(root: Path) -> Listing:
    """The images and masks in a folder.

    Images lie in folders named like ``IMAGES``, masks in folders named like ``MASKS``; train,
    val and test are told by folders above or below these (``train/images``, ``Images/Train``), and
    what has no such folder is for training. If all images are in such folders, masks that are not
    serve every split.

    Raises:
        UserError: if there are no pairs, or some are incomplete.
    """
    images, masks, homes = list[Found](), list[Found](), defaultdict[str, Counter[str]](Counter)
    for folder, names in _pictures(root):
        role, split, place, home = _meaning(folder.relative_to(root).parts)
        found = [Found(folder / name, split, place) for name in names]
        if role == "mask":
            masks += found
        elif role == "image":
            images += found
            homes[split or "train"][home] += len(found)
    if not images or not masks:
        _refuse(root, len(images), len(masks))
    if not all(image.split for image in images):
        images, masks = _for_training(images), _for_training(masks)
    labelled = {split for split in homes if any(mask.split in (split, "") for mask in masks)}
    remarks = list[str]()
    for split in SPLITS:
        if split in labelled:
            remarks += joined(split, homes[split])
        elif split in homes:
            count = homes[split].total()
            remarks.append(f"{split} has images ({count:,}) but no masks, and is left out.")
    pairs = match([image for image in images if image.split in labelled], masks)
    return Listing(name=root.resolve().name, splits=pairs, remarks=tuple(remarks))


def _for_training(files: list[Found]) -> list[Found]:
    return [file._replace(split=file.split or "train") for file in files]


def _pictures(root: Path) -> Iterator[tuple[Path, list[str]]]:
    """Every folder below ``root`` that holds pictures, and their names; nothing hidden."""
    for folder, folders, names in os.walk(root, onerror=_unreadable, followlinks=True):
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and not _leads_up(folder, name)
        )
        pictures = sorted(filter(is_picture, names))
        if pictures:
            yield Path(folder), pictures


def _leads_up(folder: str, name: str) -> bool:
    """A link to a folder that holds it would be walked forever."""
    link = Path(folder, name)
    return link.is_symlink() and Path(folder).resolve().is_relative_to(link.resolve())


def _unreadable(error: OSError) -> None:
    raise error  # instead of passing the folder over


def _meaning(folders: Sequence[str]) -> _Meaning:
    role, split, home = "", "", "."
    place = []
    for depth, name in enumerate(folders):
        words = _words(name)
        split = next((SPLIT_WORDS[word] for word in words if word in SPLIT_WORDS), split)
        if not words or not WORDS.issuperset(words):
            place.append(name)
            continue
        # Masks first: mask_images are masks.
        said = next((role for role, known in ROLES.items() if known & {*words}), "")
        if said:
            role, home = said, "/".join(folders[:depth]) or "."
    return _Meaning(role, split, tuple(place), home)


def _words(name: str) -> list[str]:
    one_word = re.sub(r"ground[\W_]*truths?", "groundtruth", name.casefold())
    return re.findall(r"[^\W\d_]+", one_word)


def _refuse(root: Path, images: int, masks: int) -> None:
    found = "no images and masks"
    if images:
        found = f"images ({images:,}) but no masks"
    elif masks:
        found = f"masks ({masks:,}) but no images"
    raise UserError(
        f"{root} holds {found}: samfit looks for a folder {', '.join(IMAGES)} beside a folder "
        f"{', '.join(MASKS)}, with or without train, val and test above or below, or for a "
        "train.csv with the columns image and label."
    )

"""Images and masks in one folder, told by their names: ``0.jpg`` and ``0_mask.png``."""

import re

from samfit.harness.data.layouts.matching import listed
from samfit.harness.data.layouts.names import (
    MASK_WORDS,
    Found,
    alike,
    folded,
    for_training,
    split_by_name,
)
from samfit.harness.data.layouts.tree import Tree, stem
from samfit.harness.data.layouts.words import meaning
from samfit.harness.data.listing import Listing
from samfit.harness.data.reading import Reading

CALLED_MASK = re.compile(
    rf"(?:^|[ _.-])(?:{MASK_WORDS})(?:[ _.-]?\(?\d+\)?)?$|^(?:{MASK_WORDS})[ _.-]"
)
PHOTOGRAPHS = (".jpg", ".jpeg", ".jpe", ".jfif")


def read_pairs(tree: Tree, reading: Reading) -> Listing | None:
    """Masks beside their images: by the word mask or the like, or as PNG beside JPEG.

    Raises:
        UserError: if pairs are incomplete.
    """
    found = [
        Found(tree.path(parts, name), said.split, said.place)
        for parts, names in tree.images()
        for said in (meaning(parts),)
        for name in names
    ]
    found = for_training(split_by_name(found))
    called = [bool(CALLED_MASK.search(folded(stem(file.path.name)))) for file in found]
    images, masks = _apart(found, called)
    if images and masks:
        remark = "masks lie beside their images, and are called so."
        return listed(tree.root, images, masks, reading, [remark])
    images, masks = _apart(found, [not _is_photograph(file) for file in found])
    if {(image.split, alike(image)) for image in images} & {
        (mask.split, alike(mask)) for mask in masks
    }:
        remark = "JPEG files are the images, and others of the same name their masks."
        return listed(tree.root, images, masks, reading, [remark])
    return None


def _place(file: Found) -> tuple[str, str]:
    return file.split, alike(file)


def _apart(files: list[Found], are_masks: list[bool]) -> tuple[list[Found], list[Found]]:
    both = list(zip(files, are_masks, strict=True))
    return [file for file, is_mask in both if not is_mask], [
        file for file, is_mask in both if is_mask
    ]


def _is_photograph(file: Found) -> bool:
    return file.path.suffix.lower() in PHOTOGRAPHS

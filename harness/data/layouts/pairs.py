"""Images and masks in one folder, told by their names: ``0.jpg`` and ``0_mask.png``."""

import re
from collections.abc import Callable

from samfit.harness.data.layouts.matching import listed
from samfit.harness.data.layouts.names import (
    MASK_WORDS,
    SPLITS_BY_NAME,
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
    by_name = split_by_name(found)
    remarks = [SPLITS_BY_NAME] if by_name != found else []
    found = for_training(by_name)
    images, masks = _apart(found, lambda file: bool(CALLED_MASK.search(_folded_stem(file))))
    if images and masks:
        remarks.append("masks lie beside their images, and are called so.")
        return listed(tree.root, images, masks, reading, remarks)
    images, masks = _apart(found, lambda file: file.path.suffix.lower() not in PHOTOGRAPHS)
    if {*map(_place, images)} & {*map(_place, masks)}:
        remarks.append("JPEG files are the images, and others of the same name their masks.")
        return listed(tree.root, images, masks, reading, remarks)
    return None


def _place(file: Found) -> tuple[str, str]:
    return file.split, alike(file)


def _folded_stem(file: Found) -> str:
    return folded(stem(file.path.name))


def _apart(files: list[Found], is_mask: Callable[[Found], bool]) -> tuple[list[Found], list[Found]]:
    masks = [file for file in files if is_mask(file)]
    return [file for file in files if not is_mask(file)], masks

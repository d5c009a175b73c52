"""Images and masks in one folder, told by their names: ``0.jpg`` and ``0_mask.png``."""

import re

from samfit.harness.data.layouts.matching import match
from samfit.harness.data.layouts.names import MASK_WORDS, Found, folded
from samfit.harness.data.layouts.tree import Tree, stem
from samfit.harness.data.layouts.words import meaning
from samfit.harness.data.listing import SPLITS, Listing, without_masks
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
    images, masks = list[Found](), list[Found]()
    found = [
        Found(tree.path(parts, name), said.split, said.place)
        for parts, names in tree.images()
        for said in (meaning(parts),)
        for name in names
    ]
    called = [bool(CALLED_MASK.search(folded(stem(file.path.name)))) for file in found]
    remark = "masks lie beside their images, and are called so."
    if not any(called):
        called = [file.path.suffix.lower() not in PHOTOGRAPHS for file in found]
        remark = "JPEG files are the images, and others of the same name their masks."
    for file, mask in zip(found, called, strict=True):
        (masks if mask else images).append(file._replace(split=file.split or "train"))
    if not images or not masks:
        return None
    if remark.startswith("JPEG") and not {*map(_place, images)} & {*map(_place, masks)}:
        return None
    remarks, left_out = [remark], list[Found]()
    labelled = {mask.split for mask in masks}
    for split in SPLITS:
        theirs = [image for image in images if image.split == split]
        if theirs and split not in labelled:
            remarks.append(without_masks(split, len(theirs)))
            left_out += theirs
    matches = match(
        [image for image in images if image.split in labelled], masks, reading.masks == "instances"
    )
    return Listing(
        name=tree.root.resolve().name,
        splits=matches.splits,
        kind=matches.kind,
        remarks=(*remarks, *matches.remarks),
        accounted=tuple(image.path for image in left_out),
    )


def _place(file: Found) -> str:
    return folded("/".join((file.split, *file.place, stem(file.path.name))))

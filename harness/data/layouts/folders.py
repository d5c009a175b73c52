"""Folders of images and masks in the usual layouts, told by the folders' names."""

from collections import Counter, defaultdict

from samfit.errors import UserError
from samfit.harness.data.layouts.matching import listed
from samfit.harness.data.layouts.names import (
    SPLITS_BY_NAME,
    Found,
    for_training,
    split_by_name,
    without_ending,
)
from samfit.harness.data.layouts.tree import Tree
from samfit.harness.data.layouts.words import meaning
from samfit.harness.data.listing import SPLITS, Listing, joined
from samfit.harness.data.reading import Reading


def read_folders(tree: Tree, reading: Reading) -> Listing | None:
    """The images and masks in a folder; None if no folder is called as those of masks are.

    Images lie in folders named like ``IMAGES``, masks in folders named like ``MASKS``; train,
    val and test are told by folders above or below these (``train/images``, ``Images/Train``), and
    what has no such folder is for training. If all images are in such folders, masks that are not
    serve every split. If no folder is named like ``IMAGES``, images lie in the one other folder.

    Raises:
        UserError: if pairs are incomplete.
    """
    images, masks, homes = _by_role(tree)
    if not images or not masks:
        return None
    remarks = list[str]()
    by_name = split_by_name(images)
    if by_name != images:
        images, masks = by_name, split_by_name(masks)
        remarks.append(SPLITS_BY_NAME)
    if not all(image.split for image in images):
        images, masks = for_training(images), for_training(masks)
    for split in SPLITS:
        if any(mask.split in (split, "") for mask in masks):
            remarks += _joined(split, homes[split])
    return listed(tree.root, images, masks, reading, remarks)


def _by_role(tree: Tree) -> tuple[list[Found], list[Found], dict[str, Counter[str]]]:
    """The images and masks, and the number of images of each split in each folder above theirs."""
    images, masks, others = list[Found](), list[Found](), list[Found]()
    homes = defaultdict[str, Counter[str]](Counter)
    for parts, names in tree.images():
        said = meaning(parts)
        found = [Found(tree.path(parts, name), said.split, said.place) for name in names]
        if said.role == "mask":
            masks += found
        elif said.role == "image":
            images += found
            homes[said.split or "train"][said.home] += len(found)
        else:
            others += found
    if masks and others and not images:
        images = _beside(masks, others)
        for image in images:
            homes[image.split or "train"]["."] += 1
    return images, masks, homes


def _beside(masks: list[Found], others: list[Found]) -> list[Found]:
    """Images in folders that do not say so: in the only other one, or called as the masks are.

    Raises:
        UserError: if there are several such folders.
    """
    above = {mask.place[:depth] for mask in masks for depth in range(len(mask.place) + 1)}
    images, counts = list[Found](), Counter[str]()
    for other in others:
        depth = next(
            (n for n in range(len(other.place)) if other.place[: n + 1] not in above), None
        )
        name, place = "", other.place
        if depth is not None:
            name, place = place[depth], (*place[:depth], *place[depth + 1 :])
        counts[name] += 1
        images.append(other._replace(place=place))
    if len(counts) < 2:
        return images
    if sorted(map(_name, others)) == sorted(map(_name, masks)):
        return others
    named = " or ".join(f"{name or 'the folder itself'} ({n:,})" for name, n in counts.items())
    raise UserError(
        f"masks are there ({len(masks):,}), but whether the images lie in {named} is not told: "
        "call the folder of the images 'images'."
    )


def _name(file: Found) -> str:
    return without_ending(file._replace(place=()))


def _joined(split: str, homes: Counter[str]) -> tuple[str, ...]:
    """Several data sets in one split; folders of one image each are none."""
    return joined(split, homes) if max(homes.values(), default=0) > 1 or len(homes) < 3 else ()

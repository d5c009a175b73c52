"""Cityscapes' layout.

Source: its authors' scripts (github.com/mcordts/cityscapesScripts): the names of files, and that
pixels of ``instanceIds`` below 1000 are classes.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from samfit.errors import UserError
from samfit.harness.data.layouts.matching import refuse_left
from samfit.harness.data.layouts.tree import Tree
from samfit.harness.data.layouts.words import split_of
from samfit.harness.data.listing import SPLITS, Files, Listing, without_masks
from samfit.harness.data.reading import Reading
from samfit.harness.data.source import Source

IMAGE = "_leftImg8bit.png"
MASKS = (  # the first that there is
    "_gtFine_labelTrainIds.png", "_gtFine_labelIds.png",
    "_gtCoarse_labelTrainIds.png", "_gtCoarse_labelIds.png",
)  # fmt: skip
OTHERS = re.compile(r"_gt(Fine|Coarse)_\w+\.(png|json)$")
TEST_CITIES = {"berlin", "bielefeld", "bonn", "leverkusen", "mainz", "munich"}


class Scene(NamedTuple):
    """What an image and its mask are called after."""

    split: str
    city: str
    name: str


def read_cityscapes(tree: Tree, reading: Reading) -> Listing | None:
    """``leftImg8bit/SPLIT/CITY`` with ``gtFine``: masks of training classes if they are there.

    The masks of Cityscapes' own test cities are dummies, which are left out.

    Raises:
        UserError: if pairs are incomplete, or instances are asked for.
    """
    images, found = _ending(tree, IMAGE), {ending: _ending(tree, ending) for ending in MASKS}
    chosen = next((ending for ending in MASKS if found[ending]), None)
    if not images or not chosen:
        return None
    if reading.masks == "instances":
        raise UserError(
            f"{tree.root} is laid out as Cityscapes, whose instanceIds mix classes (below 1000) "
            "with objects: drop --masks instances, or write masks of objects alone."
        )
    masks, left_out = found[chosen], list[Path]()
    remarks = [f"masks are the files *{chosen}; others of the same images are not read."]
    dummies = [each for each in images if each.split == "test" and each.city in TEST_CITIES]
    if dummies:
        remarks.append(f"test ({len(dummies):,}) is left out: Cityscapes publishes no masks of it.")
        left_out += [
            files.pop(each) for each in dummies for files in (images, masks) if each in files
        ]
    for split in {each.split for each in images} - {each.split for each in masks}:
        bare = [each for each in images if each.split == split]
        remarks.append(without_masks(split, len(bare)))
        left_out += [images.pop(each) for each in bare]
    refuse_left("image", "mask", [images[each] for each in images.keys() - masks.keys()])
    refuse_left("mask", "image", [masks[each] for each in masks.keys() - images.keys()])
    splits: dict[str, list[Files]] = {split: [] for split in SPLITS}
    for each in sorted(images):
        files = Files(Source(images[each]), (Source(masks[each]),), f"{each.city}/{each.name}")
        splits[each.split].append(files)
    return Listing(
        name=tree.root.resolve().name,
        splits={split: files for split, files in splits.items() if files},
        remarks=tuple(remarks),
        accounted=(*left_out, *_others(tree)),
    )


def _ending(tree: Tree, ending: str) -> dict[Scene, Path]:
    """The files with names of this ending."""
    return {
        Scene(split_of(*parts) or "train", "".join(parts[-1:]), name.removesuffix(ending)): (
            tree.path(parts, name)
        )
        for parts, names in tree.folders.items()
        for name in names
        if name.endswith(ending)
    }


def _others(tree: Tree) -> Iterator[Path]:
    """Everything that is drawn or written of a scene."""
    for parts, names in tree.folders.items():
        yield from (tree.path(parts, name) for name in names if OTHERS.search(name))

"""PASCAL VOC's layout, which labelling tools write too.

Source: the development kit of VOC 2012 (host.robots.ox.ac.uk/pascal/VOC/voc2012/htmldoc).
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from samfit.errors import UserError
from samfit.harness.data.layouts.matching import listed, refuse_left
from samfit.harness.data.layouts.names import Found
from samfit.harness.data.layouts.tree import Parts, Tree
from samfit.harness.data.listing import Listing
from samfit.harness.data.reading import Reading

IMAGES, CLASSES, OBJECTS = "JPEGImages", "SegmentationClass", "SegmentationObject"
LISTS = ("ImageSets", "Segmentation")
# The split of each list; a name that an earlier one has keeps its split.
SPLIT_OF = {"train": "train", "val": "val", "test": "test", "trainval": "train", "default": "train"}


def read_voc(tree: Tree, reading: Reading) -> Listing | None:
    """``JPEGImages`` with ``SegmentationClass``, or ``SegmentationObject`` for instances.

    The files in ``ImageSets/Segmentation`` say which image is of which split; without them all
    are for training. Images without masks are left out: most of VOC's have boxes only.

    Raises:
        UserError: if the masks asked for are not there, or images, masks and lists do not agree.
    """
    homes = [parts[:-1] for parts in tree.folders if parts[-1:] == (IMAGES,)]
    kinds = {kind for home in homes for kind in (CLASSES, OBJECTS) if (*home, kind) in tree.folders}
    if not kinds:
        return None
    folder = OBJECTS if reading.masks == "instances" or kinds == {OBJECTS} else CLASSES
    images, masks, bare, unlisted = list[Found](), list[Found](), list[Path](), list[Path]()
    for home in homes:
        place = home if len(homes) > 1 else ()
        theirs = tree.by_stem((*home, folder))
        if not theirs:
            raise UserError(f"{tree.path(home)} has no masks in {folder}: add them.")
        ours = tree.by_stem((*home, IMAGES))
        said = _lists(tree, home, ours, theirs)
        for name, path in ours.items():
            if name not in theirs:
                bare.append(path)
            elif said and name not in said:
                unlisted += (path, theirs.pop(name))
            else:
                images.append(Found(path, said.get(name, "train"), place))
        masks += [Found(path, "", place) for path in theirs.values()]
    remarks = [f"masks are those in {folder}."]
    if len(kinds) > 1:
        other = f"drop --masks for {CLASSES}"
        if folder == CLASSES:
            other = f"--masks instances takes {OBJECTS}"
        remarks = [f"masks are those in {folder}: {other}."]
    if bare:
        remarks.append(f"images without masks ({len(bare):,}) are left out.")
    if unlisted:
        remarks.append(
            f"images in no list of {'/'.join(LISTS)} ({len(unlisted) // 2:,}) are left out."
        )
    listing = listed(tree.root, images, masks, reading, remarks)
    return replace(
        listing, kind="instances" if folder == OBJECTS else None, accounted=(*bare, *unlisted)
    )


def _lists(
    tree: Tree, home: Parts, images: Mapping[str, Path], masks: Mapping[str, Path]
) -> dict[str, str]:
    """The split of each image in a list; lists without any masks (VOC's test) do not count."""
    splits = dict[str, str]()
    for title, split in SPLIT_OF.items():
        path = tree.path((*home, *LISTS), f"{title}.txt")
        if not path.is_file():
            continue
        lines = path.read_text("utf-8-sig", errors="replace").splitlines()
        names = [line.split()[0] for line in lines if line.strip()]
        absent = next((name for name in names if name not in images), None)
        if absent:
            raise UserError(f"{path} lists {absent}, which is not in {IMAGES}: add or remove it.")
        with_masks = [name for name in names if name in masks]
        if with_masks:
            refuse_left("image", "mask", [images[name] for name in names if name not in masks])
        for name in with_masks:
            if title in ("val", "test") and splits.get(name, split) != split:
                raise UserError(
                    f"{path} lists {name}, which is for {splits[name]}: remove it there."
                )
            splits.setdefault(name, split)
    return splits

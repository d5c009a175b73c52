"""PASCAL VOC's layout, which labelling tools write too.

Source: the development kit of VOC 2012 (host.robots.ox.ac.uk/pascal/VOC/voc2012/htmldoc).
"""

from collections.abc import Mapping
from pathlib import Path

from samfit.errors import UserError
from samfit.harness.data.layouts.matching import match, refuse_left
from samfit.harness.data.layouts.names import Found
from samfit.harness.data.layouts.tree import Parts, Tree, is_image_file, stem
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
    homes = [
        parts[:-1]
        for parts in tree.folders
        if parts[-1:] == (IMAGES,)
        and any((*parts[:-1], kind) in tree.folders for kind in (CLASSES, OBJECTS))
    ]
    if not homes:
        return None
    folder = OBJECTS if reading.masks == "instances" else CLASSES
    images, masks, bare, unlisted = list[Found](), list[Found](), list[Path](), list[Path]()
    for home in homes:
        place = home if len(homes) > 1 else ()
        theirs = _by_stem(tree, (*home, folder))
        if not theirs:
            other = "drop --masks instances" if folder == OBJECTS else "say --masks instances"
            raise UserError(f"{tree.path(home)} has no masks in {folder}: add them, or {other}.")
        ours = _by_stem(tree, (*home, IMAGES))
        listed = _lists(tree, home, ours, theirs)
        for name, path in ours.items():
            if name not in theirs:
                bare.append(path)
            elif listed and name not in listed:
                unlisted += (path, theirs.pop(name))
            else:
                images.append(Found(path, listed.get(name, "train"), place))
        masks += [Found(path, "", place) for path in theirs.values()]
    remarks = [f"masks are those in {folder}."]
    if any((*home, CLASSES) in tree.folders and (*home, OBJECTS) in tree.folders for home in homes):
        remarks = [
            f"masks are those in {folder}: --masks instances reads {OBJECTS}, "
            f"and otherwise {CLASSES} is read."
        ]
    if bare:
        remarks.append(f"images without masks ({len(bare):,}) are left out.")
    if unlisted:
        remarks.append(
            f"images in no list of {'/'.join(LISTS)} ({len(unlisted) // 2:,}) are left out."
        )
    return Listing(
        name=tree.root.resolve().name,
        splits=match(images, masks).splits,
        kind="instances" if folder == OBJECTS else None,
        remarks=tuple(remarks),
        accounted=(*bare, *unlisted),
    )


def _by_stem(tree: Tree, parts: Parts) -> dict[str, Path]:
    names = tree.folders.get(parts, ())
    return {stem(name): tree.path(parts, name) for name in names if is_image_file(name)}


def _lists(
    tree: Tree, home: Parts, images: Mapping[str, Path], masks: Mapping[str, Path]
) -> dict[str, str]:
    """The split of each image in a list; lists without any masks (VOC's test) do not count."""
    splits = dict[str, str]()
    for title, split in SPLIT_OF.items():
        path = tree.path((*home, *LISTS), f"{title}.txt")
        if not path.is_file():
            continue
        names = [
            line.split()[0] for line in path.read_text("utf-8-sig").splitlines() if line.strip()
        ]
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

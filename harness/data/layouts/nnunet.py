"""nnU-Net's layout, and that of the Medical Segmentation Decathlon, which it grew from.

Source: nnU-Net's documentation (github.com/MIC-DKFZ/nnUNet, documentation/dataset_format.md).
"""

import json
import re
from collections import Counter, defaultdict
from pathlib import Path

from samfit.errors import UserError
from samfit.harness.data.layouts.matching import refuse_left
from samfit.harness.data.layouts.tree import Tree
from samfit.harness.data.listing import Files, Listing
from samfit.harness.data.reading import Reading
from samfit.harness.data.source import Source

SPLIT_OF = {"Tr": "train", "Va": "val", "Ts": "test"}  # imagesTr, labelsTr
CHANNEL = re.compile(r"_\d{4}$")


def read_nnunet(tree: Tree, reading: Reading) -> Listing | None:
    """``imagesTr`` with ``labelsTr``; files ``_0000``, ``_0001`` and so on are an image's channels.

    Raises:
        UserError: if pairs or channels are incomplete, or there are several sets.
    """
    homes = [parts[:-1] for parts in tree.folders if parts[-1:] == ("labelsTr",)]
    if len(homes) > 1:
        named = " and ".join(str(tree.path(home)) for home in homes[:2])
        raise UserError(f"{named} are data sets of their own: give one of them as --data.")
    if not homes:
        return None
    splits, remarks, left_out = dict[str, list[Files]](), list[str](), list[Path]()
    for ending, split in SPLIT_OF.items():
        images, masks = (tree.by_stem((*homes[0], what + ending)) for what in ("images", "labels"))
        if masks:
            splits[split] = _pairs(images, masks)
            channels = len(splits[split][0].image.files)
            if channels > 1:
                remarks.append(f"{channels} files are the channels of an image in {split}.")
        elif images:
            remarks.append(f"images{ending} ({len(images):,}) has no masks, and is left out.")
            left_out += images.values()
    names = _class_names(tree.path(homes[0], "dataset.json"))
    if names[-1:] == ("ignore",):
        names = names[:-1]
        remarks.append(f"dataset.json says that {len(names)} is no class: --ignore {len(names)}.")
    if names:
        remarks.append(f"dataset.json says the classes: {', '.join(names)}.")
    return Listing(
        name=tree.path(homes[0]).resolve().name,
        splits=splits,
        classes=0 if not names else 1 if len(names) == 2 else len(names),
        class_names=names if len(names) > 2 else (),
        remarks=tuple(remarks),
        accounted=(*left_out, tree.path(homes[0], "dataset.json")),
    )


def _pairs(images: dict[str, Path], masks: dict[str, Path]) -> list[Files]:
    cases = defaultdict[str, list[Path]](list)
    for name, path in images.items():  # in the order of their names, hence of their channels
        cases[name if name in masks else CHANNEL.sub("", name)].append(path)
    refuse_left("image", "mask", [paths[0] for case, paths in cases.items() if case not in masks])
    refuse_left("mask", "image", [path for case, path in masks.items() if case not in cases])
    usual = Counter(len(paths) for paths in cases.values()).most_common(1)[0][0]
    for case, paths in cases.items():
        if len(paths) != usual:
            raise UserError(
                f"{case} has {len(paths)} files of channels where most have {usual}, such as "
                f"{paths[0]}: complete them."
            )
    return [
        Files(Source(first, more=tuple(more)), (Source(masks[case]),), case)
        for case, (first, *more) in sorted(cases.items())
    ]


def _class_names(file: Path) -> tuple[str, ...]:
    """What ``dataset.json`` calls the classes, in either form; nothing if it skips any."""
    try:
        labels = json.loads(file.read_text("utf-8"))["labels"]
        pairs = [
            (int(key), name) if isinstance(name, str) else (int(name), key)
            for key, name in labels.items()
        ]
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        OverflowError,
        RecursionError,
    ):
        return ()
    names = [str(name) for _, name in sorted(pairs)]
    return tuple(names) if [index for index, _ in sorted(pairs)] == [*range(len(pairs))] else ()

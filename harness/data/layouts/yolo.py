"""Objects in YOLO's text files: a line an object, of its class and its outline.

Source: docs.ultralytics.com/datasets/segment.
"""

import math
import re
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

from samfit.errors import UserError
from samfit.harness.data.layouts.coco_objects import OnlyBoxesError
from samfit.harness.data.layouts.tree import Parts, Tree, stem
from samfit.harness.data.layouts.words import meaning
from samfit.harness.data.listing import Files, Listing, by_category
from samfit.harness.data.outlines import Outline, Outlines
from samfit.harness.data.reading import Reading
from samfit.harness.data.source import Source

BESIDE = 0.1  # how far outlines may leave an image, as a share of it; drawing cuts them off


def read_yolo(tree: Tree, _: Reading) -> Listing | None:
    """``labels/x.txt`` for ``images/x.jpg``, or both in one folder; None if no text has outlines.

    An image without a text has no objects.

    Raises:
        UserError: if a text cannot be read, or all have boxes only.
    """
    texts = _texts(tree)
    images = _images(tree, texts) if any(map(_is_yolo, texts.values())) else {}
    partners = {key: texts.pop(key) for key in images.keys() & texts.keys()}
    if not partners:
        return None
    said = {key: meaning(key[:-1]) for key in images}
    labelled = {said[key].split for key in partners}
    left_out = [path for key, path in images.items() if said[key].split not in labelled]
    used = {key: path for key, path in sorted(images.items()) if said[key].split in labelled}
    drawn = {key: read_text(partners[key]) if key in partners else ((), 0) for key in used}
    objects = Counter(outline.category for outlines, _ in drawn.values() for outline in outlines)
    boxes = sum(others for _, others in drawn.values())
    if not objects:
        raise OnlyBoxesError(
            f"the texts of {tree.root} hold boxes ({boxes:,}) and no outlines: samfit learns "
            "masks, so export the annotations as segmentation."
        )
    splits = defaultdict[str, list[Files]](list)
    for key, path in used.items():
        outlines = Outlines(partners.get(key, path), None, drawn[key][0])
        name = "/".join((*said[key].place, key[-1]))
        splits[said[key].split or "train"].append(Files(Source(path), outlines, name))
    names, bare = _names(tree), len(used) - len(partners)
    counts = {
        f"boxes without outline ({boxes:,}) are left out.": boxes,
        f"images without a text of labels ({bare:,}) have no objects.": bare,
        f"images of splits without labels ({len(left_out):,}) are left out.": len(left_out),
        f"texts without an image ({len(texts):,}) are not used, such as "
        f"{min(texts.values(), default=None)}.": len(texts),
    }
    return Listing(
        name=tree.root.resolve().name,
        splits=splits,
        kind="instances",
        class_names=names,
        remarks=(by_category(objects, names), *(said for said, count in counts.items() if count)),
        accounted=tuple(left_out),
    )


def read_text(path: Path) -> tuple[tuple[Outline, ...], int]:
    """The objects in a file, and the number of boxes without outline.

    Raises:
        UserError: if a line is something else.
    """
    objects, boxes = list[Outline](), 0
    text = path.read_text("utf-8-sig", errors="replace")
    for number, line in enumerate(text.splitlines(), start=1):
        values = _values(line)
        if len(values) == 5:
            boxes += 1
        elif _is_outline(values):
            objects.append(Outline((array("d", values[1:]),), int(values[0])))
        elif values:
            raise UserError(
                f"line {number} of {path} is no outline: it needs a class and 3 or more points, "
                "as shares of the image from 0 to 1."
            )
    return tuple(objects), boxes


def _values(line: str) -> list[float]:
    try:
        return [float(word) for word in line.split()]
    except ValueError:
        return [math.nan]


def _is_outline(values: list[float]) -> bool:
    return (
        len(values) >= 7
        and len(values) % 2 == 1
        and values[0] >= 0
        and values[0].is_integer()
        and all(-BESIDE <= value <= 1 + BESIDE for value in values[1:])
    )


def _is_yolo(path: Path) -> bool:
    """Whether the first line with anything in it is one of numbers, as for an outline or a box."""
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        first = next((line for line in file if line.strip()), "")
    values = _values(first)
    return len(values) >= 5 and not any(map(math.isnan, values))


def _images(tree: Tree, texts: Iterable[Parts]) -> dict[Parts, Path]:
    """The pictures in folders that have texts, or are called as those of images are."""
    with_texts = {key[:-1] for key in texts}
    return {
        (*parts, name): path
        for parts, _ in tree.images()
        if parts in with_texts or meaning(parts).role == "image"
        for name, path in tree.by_stem(parts).items()
    }


def _texts(tree: Tree) -> dict[Parts, Path]:
    """The texts that may be labels, by what their images are called, without suffix."""
    folders = {_folded(parts): (parts, names) for parts, names in tree.ending(".txt")}
    texts = dict[Parts, Path]()
    for parts, _ in tree.images():
        for folder in (_folded(parts), _labels(parts)):
            theirs, names = folders.get(folder, ((), ()))
            texts |= {(*parts, stem(name)): tree.path(theirs, name) for name in names}
    return texts


def _labels(images: Parts) -> Parts:
    """The folder called labels where the last one called images was."""
    folders = _folded(images)
    if "images" not in folders:
        return folders
    depth = len(folders) - 1 - folders[::-1].index("images")
    return (*folders[:depth], "labels", *folders[depth + 1 :])


def _folded(parts: Parts) -> Parts:
    return tuple(map(str.casefold, parts))


def _names(tree: Tree) -> tuple[str, ...]:
    """The categories that ``data.yaml`` names in one line or line by line; else none."""
    path = tree.root / "data.yaml"
    text = path.read_text("utf-8", errors="replace") if path.is_file() else ""
    in_line = re.search(r"^names:[ \t]*(\[.*\])[ \t]*$", text, re.MULTILINE)
    if in_line:
        return tuple(re.findall(r"[^\[\],'\"\s](?:[^\[\],'\"]*[^\[\],'\"\s])?", in_line[1]))
    block = re.search(r"^names:[ \t]*\n((?:[ \t]*(?:-|\d+:)[ \t]+.+\n?)+)", text, re.MULTILINE)
    lines = block[1].splitlines() if block else ()
    return tuple(re.sub(r"^\s*(?:-|\d+:)\s+", "", line).strip().strip("'\"") for line in lines)

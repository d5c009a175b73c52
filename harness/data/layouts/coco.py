"""Objects in COCO's format: a JSON file of images, annotations and categories.

Source: cocodataset.org/#format-data.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from samfit.errors import UserError
from samfit.harness.data.layouts.coco_objects import Objects, OnlyBoxesError, images_of
from samfit.harness.data.layouts.tree import Parts, Tree, is_image_file, stem, walk
from samfit.harness.data.layouts.words import meaning, split_of
from samfit.harness.data.listing import Files, Listing
from samfit.harness.data.outlines import Outlines
from samfit.harness.data.reading import Reading
from samfit.harness.data.source import Source


class Annotations(NamedTuple):
    """One file.

    Attributes:
        path: the file.
        split: of its images.
        content: its parts by name.
    """

    path: Path
    split: str
    content: Mapping[str, Any]


def read_coco(tree: Tree, _: Reading) -> Listing | None:
    """The objects of the JSON files of a folder that are in COCO's format.

    Raises:
        UserError: if one is not valid, its images are not there, or two are about one image.
    """
    found = [
        _open(path, split_of(*parts, stem(path.name)) or "train") for parts, path in _jsons(tree)
    ]
    about_objects = [file for file in found if file]
    return _listing(tree, about_objects, tree.root.resolve().name) if about_objects else None


def read_coco_file(path: Path, _: Reading) -> Listing:
    """The objects of one such file, for training; its images are beside it, or beside its folder.

    Raises:
        UserError: as for a folder, or if it is another JSON file.
    """
    path = path.absolute()
    annotations = _open(path, "train")
    if annotations is None:
        raise UserError(f"{path} is not in COCO's format: it needs images and annotations.")
    apart = path.parent.name.casefold() in ("annotations", "labels")
    root = path.parent.parent if apart else path.parent
    return _listing(walk(root), [annotations], f"{root.name} {path.stem}")


def _jsons(tree: Tree) -> Iterator[tuple[Parts, Path]]:
    """The JSON files but those of a single picture, of which there may be many."""
    for parts, names in tree.ending(".json"):
        pictures = {stem(name) for name in tree.folders[parts] if is_image_file(name)}
        for name in names:
            if stem(name) not in pictures:
                yield parts, tree.path(parts, name)


def _open(path: Path, split: str) -> Annotations | None:
    """None if it is about something else than the objects of images."""
    text = path.read_bytes()
    if b'"annotations"' not in text:  # there may be thousands of other files
        return None
    try:
        content = json.loads(text)
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise UserError(f"{path} is not valid JSON: replace or remove it.") from error
    if not isinstance(content, dict):
        return None
    parts = [content.get("images"), content.get("annotations")]
    if not all(
        isinstance(part, list) and all(isinstance(each, dict) for each in part) for part in parts
    ):
        return None
    objects = content["annotations"]
    if objects and not any("segmentation" in each or "bbox" in each for each in objects):
        return None  # captions
    return Annotations(path, split, content)


def _listing(tree: Tree, found: list[Annotations], name: str) -> Listing:
    plain = {each.split for each in found if not _of_keypoints(each)}
    found = [each for each in found if each.split not in plain or not _of_keypoints(each)]
    objects, places, seen = Objects(), Places(tree), dict[Path, Path]()
    splits = defaultdict[str, list[Files]](list)
    for file in found:
        images = images_of(file.path, file.content)
        theirs = objects.read(file.path, file.content)
        places.refuse_absent([image.name for image in images], file.path)
        for image in images:
            path = places.find(image.name, file.path)
            if path in seen:
                raise UserError(
                    f"{seen[path]} and {file.path} are both about {path}: "
                    "give the one to use as --data."
                )
            seen[path] = file.path
            outlines = Outlines(file.path, image.size, tuple(theirs.get(image.id, ())))
            splits[file.split].append(Files(Source(path), outlines, places.name(path)))
    if not objects.counts:
        raise OnlyBoxesError(
            f"{found[0].path} has no objects with a segmentation: {objects.why()}."
        )
    return Listing(
        name=name,
        splits={
            split: sorted(files, key=lambda each: each.name) for split, files in splits.items()
        },
        kind="instances",
        class_names=tuple(objects.names),
        remarks=tuple(objects.remarks()),
    )


def _of_keypoints(annotations: Annotations) -> bool:
    return any("keypoints" in each for each in annotations.content["annotations"])


class Places:
    """Where image files are that annotations name.

    Files have the name given, below any folder: that of the annotations first, then one that the
    annotations are called after (``instances_train2017.json``).
    """

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.folders = defaultdict[str, list[Parts]](list)  # by the names of images
        for parts, names in tree.images():
            for name in names:
                self.folders[name].append(parts)

    def name(self, path: Path) -> str:
        """What to call an image."""
        *folders, last = path.relative_to(self.tree.root).parts
        return "/".join((*meaning(folders).place, stem(last)))

    def find(self, name: str, file: Path) -> Path:
        """The image called ``name`` in ``file``.

        Raises:
            UserError: if there are two.
        """
        fitting = self._fitting(name)
        best = max(self._likely(parts, file) for parts in fitting)
        fitting = [parts for parts in fitting if self._likely(parts, file) == best]
        if len(fitting) > 1:
            first, second = (self.tree.path(parts) for parts in fitting[:2])
            raise UserError(f"{file} lists {name}, which may be {first} or {second}: remove one.")
        return self.tree.path(fitting[0])

    def refuse_absent(self, names: Sequence[str], file: Path) -> None:
        """All images must be there.

        Raises:
            UserError: if one is not.
        """
        absent = [name for name in names if not self._fitting(name)]
        if absent:
            more = f" (one of {len(absent):,} such images)" if len(absent) > 1 else ""
            raise UserError(
                f"{file} lists {absent[0]}, which is not below {self.tree.root}{more}: add it."
            )

    def _fitting(self, name: str) -> list[Parts]:
        """Where it may be: in the folders that it names, else in any."""
        *folders, last = PurePosixPath(name).parts or ("",)
        found = [(*parts, last) for parts in self.folders.get(last, ())]
        named = [parts for parts in found if parts[-1 - len(folders) : -1] == tuple(folders)]
        return named or found

    def _likely(self, parts: Parts, file: Path) -> tuple[bool, bool]:
        title = file.stem.casefold()
        return (
            self.tree.path(parts).is_relative_to(file.parent),
            any(folder.casefold() in title for folder in parts[:-1]),
        )

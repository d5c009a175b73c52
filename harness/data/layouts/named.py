"""Read one of the papers' data sets from a folder."""

from fnmatch import fnmatchcase
from pathlib import Path

from samfit.errors import UserError
from samfit.harness.data.files.read import is_picture
from samfit.harness.data.layouts.matching import match
from samfit.harness.data.layouts.names import Found
from samfit.harness.data.layouts.papers import PAPERS, Part
from samfit.harness.data.listing import SPLITS, Listing


def read_named(root: Path, layout: str) -> Listing:
    """The data set ``layout``, one of ``PAPERS``, in a folder.

    Splits that are missing, or have another number of images than published, are remarked upon.

    Raises:
        UserError: if no split is there, or an image or a mask has no partner.
    """
    paper = PAPERS[layout]
    images, masks, remarks, missing = list[Found](), list[Found](), list[str](), list[str]()
    for split in SPLITS:
        ways: tuple[Part, ...] = getattr(paper, split)
        part = next((way for way in ways if _files(root, way.images, split)), None)
        if part:
            found = _files(root, part.images, split)
            images += found
            theirs = _files(root, part.masks, split)
            if not theirs:
                raise UserError(
                    f"{root} has images {part.images} but no masks {part.masks}: add them."
                )
            masks += theirs
            if len(found) != part.count:
                remarks.append(f"images in {split}: {len(found):,}; published: {part.count:,}.")
        elif ways:
            missing.append(f"{split} in {' or '.join(way.images for way in ways)}")
    if not images:
        raise UserError(
            f"{root} does not hold {paper.title} as published: looked for {', '.join(missing)}; "
            "give the folder that holds these as --data, or drop --layout."
        )
    remarks += [f"there is no {sought}." for sought in missing]
    matches = match(images, masks)
    return Listing(
        name=paper.title,
        splits=matches.splits,
        kind=matches.kind,
        classes=paper.classes,
        class_names=paper.class_names,
        remarks=(*remarks, *matches.remarks),
    )


def _files(root: Path, pattern: str, split: str) -> list[Found]:
    """The pictures that match, in any case; their place is what stands for folders named *."""
    *folders, file = pattern.casefold().split("/")
    places: list[tuple[Path, tuple[str, ...]]] = [(root, ())]
    for wanted in folders:
        places = [
            (path, (*place, path.name) if wanted == "*" else place)
            for folder, place in places
            for path in sorted(folder.iterdir())
            if fnmatchcase(path.name.casefold(), wanted) and path.is_dir()
        ]
    return [
        Found(path, split, place)
        for folder, place in places
        for path in sorted(folder.iterdir())
        if fnmatchcase(path.name.casefold(), file) and is_picture(path.name)
    ]

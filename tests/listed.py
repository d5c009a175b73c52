"""Folders of files that nobody opens, and what a layout lists of them."""

import json
from collections.abc import Mapping
from pathlib import Path

from samfit.harness.data.layouts.layouts import list_files
from samfit.harness.data.listing import Listing
from samfit.harness.data.outlines import Outlines
from samfit.harness.data.reading import Reading

TRIANGLE = [1, 1, 5, 1, 5, 5]


def put(root: Path, *names: str, texts: Mapping[str, str] = {}) -> Path:
    """The folder, with empty files of these names, and these texts."""
    for name, text in {**dict.fromkeys(names, ""), **texts}.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return root


def listed(path: Path, **reading: object) -> Listing:
    """What is listed of a folder or file."""
    return list_files(path, Reading(**reading))


def below(root: Path, listing: Listing) -> dict[str, dict[str, tuple[str, object]]]:
    """For each split and name, where its image and masks are; of outlines, how many objects."""
    return {
        split: {
            files.name: (
                str(files.image.path.relative_to(root)),
                len(files.masks.objects)
                if isinstance(files.masks, Outlines)
                else [str(mask.path.relative_to(root)) for mask in files.masks],
            )
            for files in pairs
        }
        for split, pairs in listing.splits.items()
    }


def coco(*images: str, annotations: object = None, **more: object) -> str:
    """Annotations in COCO's format: a triangle in each image of 10 x 8, unless others are given."""
    if annotations is None:
        annotations = [annotation(id=each, image_id=each) for each in range(len(images))]
    content = {
        "images": [
            {"id": each, "file_name": name, "height": 8, "width": 10}
            for each, name in enumerate(images)
        ],
        "annotations": annotations,
        "categories": [{"id": 3, "name": "cat"}, {"id": 7, "name": "dog"}],
    }
    return json.dumps({**content, **more})


def annotation(**values: object) -> dict[str, object]:
    """An annotation of the first image, a triangle, with these values in place of its own."""
    return {"id": 0, "image_id": 0, "category_id": 7, "segmentation": [TRIANGLE], **values}

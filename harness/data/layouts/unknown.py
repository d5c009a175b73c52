"""What a folder holds that is not read, in words."""

import json
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path

from samfit.harness.data.layouts.table import unclear
from samfit.harness.data.layouts.tree import Parts, Tree, is_image_file
from samfit.harness.data.layouts.words import meaning

KINDS = {
    ".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".tif": "TIFF", ".tiff": "TIFF", ".bmp": "BMP",
    ".ppm": "PPM", ".pgm": "PGM", ".pbm": "PBM", ".jp2": "JPEG 2000", ".gif": "GIF",
    ".webp": "WebP", ".npy": "NumPy array", ".npz": "NumPy archive", ".nii": "NIfTI volume",
    ".gz": "NIfTI volume", ".txt": "text", ".md": "text", ".xml": "XML", ".yaml": "YAML",
    ".yml": "YAML", ".py": "Python script",
}  # fmt: skip
# What may hold images, masks or annotations, beside the files that these are read from.
HOLDING = {
    ".json": "JSON", ".csv": "CSV", ".tsv": "CSV", ".dcm": "DICOM", ".h5": "HDF5", ".hdf5": "HDF5",
    ".mat": "MATLAB", ".mp4": "video", ".avi": "video", ".mov": "video", ".mkv": "video",
    ".zip": "archive", ".tar": "archive", ".rar": "archive", ".7z": "archive", ".zarr": "Zarr",
    ".svs": "slide", ".ndpi": "slide", ".mha": "MetaImage", ".mhd": "MetaImage", ".nrrd": "NRRD",
    ".nd2": "ND2", ".czi": "CZI", ".lif": "LIF", ".parquet": "Parquet", ".geojson": "GeoJSON",
    ".arrow": "Arrow", ".tfrecord": "TFRecord",
}  # fmt: skip
MOST_NAMED = 6  # folders, in a remark
FEW = 3  # JSON files that are opened to see what they are


def nothing(tree: Tree) -> str:
    """The sentence for a folder that no layout fits: what it holds, and what is looked for."""
    counts = Counter(_kind(name) for names in tree.folders.values() for name in names)
    roles = Counter(meaning(parts).role for parts, names in tree.images() for _ in names)
    lacks = ""
    if roles["image"] and not roles["mask"]:
        lacks = f"images ({roles['image']:,}) but no masks: "
    elif roles["mask"] and not roles["image"]:
        lacks = f"masks ({roles['mask']:,}) but no images: "
    hints = "".join(f"; {hint}" for hint in (*_of_json(tree), *unclear(tree)))
    return (
        f"{tree.root} holds {lacks}{_counted(counts)}{hints}; of this, samfit cannot tell images "
        "and masks: it reads folders images and masks (or labels, gt, annotations), with or "
        "without train, val and test; 1.jpg beside 1_mask.png; VOC, Cityscapes, nnU-Net, ISIC; "
        "annotations of COCO (JSON) or YOLO (text); or a train.csv with columns image and label."
    )


def unused(tree: Tree, used: Collection[Path]) -> Iterator[str]:
    """The remark, if any, on files that may hold images or masks and are not among those used."""
    left = dict[Parts, Counter[str]]()
    for parts, names in tree.folders.items():
        for name in names:
            holds = is_image_file(name) or Path(name).suffix.lower() in HOLDING
            if holds and tree.path(parts, name) not in used:
                left.setdefault(parts, Counter())[_kind(name)] += 1
    if left:
        places = ("/".join(parts) or "the folder itself" for parts in left)
        named = [
            f"{_counted(n)} in {place}" for n, place in zip(left.values(), places, strict=True)
        ]
        if len(named) > MOST_NAMED:
            files = sum(n.total() for n in list(left.values())[MOST_NAMED:])
            named[MOST_NAMED:] = [f"{files:,} files in {len(named) - MOST_NAMED:,} more folders"]
        yield f"not used: {'; '.join(named)}."


def _kind(name: str) -> str:
    suffix = Path(name).suffix.lower()
    return {**KINDS, **HOLDING}.get(suffix, suffix or "without suffix")


def _counted(counts: Counter[str]) -> str:
    """``3 JPEG files, 1 JSON file``."""
    named = [f"{n:,} {what} file{'s' * (n > 1)}" for what, n in counts.most_common()]
    return ", ".join(named) or "no files"


def _of_json(tree: Tree) -> Iterator[str]:
    """What the first JSON files are, if they are annotations that are not read."""
    paths = [tree.path(parts, name) for parts, names in tree.ending(".json") for name in names]
    for path in paths[:FEW]:
        what = _format(path)
        if what:
            yield f"{path} {what}"
            return


def _format(path: Path) -> str:
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return "is not valid JSON"
    if not isinstance(content, dict):
        return ""
    keys = {*content}
    if "shapes" in keys:
        return "is LabelMe's: export the annotations as COCO or as masks"
    if keys >= {"image", "annotations"}:
        return "is in SA-1B's format: convert it to COCO's"
    regions = [each for each in content.values() if isinstance(each, dict) and "regions" in each]
    if "_via_img_metadata" in keys or regions:
        return "is VIA's: export the annotations as COCO"
    if keys >= {"images", "annotations"}:
        return "is in COCO's format, but not about objects"
    return ""

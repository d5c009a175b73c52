"""What a folder holds that cannot be read, in words."""

from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path

from samfit.harness.data.layouts.table import unclear
from samfit.harness.data.layouts.tree import Parts, Tree, is_image_file
from samfit.harness.data.layouts.words import meaning

KINDS = {
    ".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".tif": "TIFF", ".tiff": "TIFF",
    ".bmp": "BMP", ".gif": "GIF", ".webp": "WebP", ".npy": "NumPy array", ".npz": "NumPy archive",
    ".nii": "NIfTI volume", ".gz": "NIfTI volume", ".json": "JSON", ".csv": "CSV", ".txt": "text",
    ".xml": "XML", ".yaml": "YAML", ".yml": "YAML", ".dcm": "DICOM", ".h5": "HDF5", ".hdf5": "HDF5",
    ".mat": "MATLAB", ".mp4": "video", ".avi": "video", ".mov": "video", ".mkv": "video",
    ".zip": "archive", ".tar": "archive", ".rar": "archive", ".7z": "archive", ".zarr": "Zarr",
    ".svs": "slide", ".ndpi": "slide", ".mha": "MetaImage", ".mhd": "MetaImage", ".nrrd": "NRRD",
    ".nd2": "ND2", ".czi": "CZI", ".lif": "LIF", ".parquet": "Parquet", ".geojson": "GeoJSON",
}  # fmt: skip
# What may hold images or masks, beside what they are read from.
HOLDING = {
    "DICOM",
    "HDF5",
    "MATLAB",
    "video",
    "archive",
    "Zarr",
    "slide",
    "MetaImage",
    "NRRD",
    "ND2",
    "CZI",
    "LIF",
    "JSON",
    "CSV",
    "Parquet",
    "GeoJSON",
}


def kind(name: str) -> str:
    """What a file is by its name."""
    suffix = Path(name).suffix.lower()
    return KINDS.get(suffix, f"{suffix} file" if suffix else "file without suffix")


def nothing(tree: Tree) -> str:
    """The sentence for a folder that no layout fits: what it holds, and what is looked for."""
    counts = Counter(kind(name) for names in tree.folders.values() for name in names)
    held = ", ".join(_counted(count, what) for what, count in counts.most_common()) or "no files"
    roles = Counter(meaning(parts).role for parts, names in tree.images() for _ in names)
    lacks = ""
    if roles["image"] and not roles["mask"]:
        lacks = f"images ({roles['image']:,}) but no masks: "
    elif roles["mask"] and not roles["image"]:
        lacks = f"masks ({roles['mask']:,}) but no images: "
    tables = "".join(f"; {sentence}" for sentence in unclear(tree))
    return (
        f"{tree.root} holds {lacks}{held}, and nothing that samfit knows as images and masks: "
        "folders images and masks (or labels, gt, annotations), with or without train, val and "
        "test; 1.jpg beside 1_mask.png; VOC, Cityscapes, nnU-Net, ISIC; annotations of COCO (JSON) "
        f"or YOLO (text); or a train.csv with the columns image and label{tables}."
    )


def unused(tree: Tree, used: Collection[Path]) -> Iterator[str]:
    """The remark, if any, on files that may hold images or masks and are not among those used."""
    left = dict[Parts, Counter[str]]()
    for parts, names in tree.folders.items():
        for name in names:
            if (is_image_file(name) or kind(name) in HOLDING) and tree.path(
                parts, name
            ) not in used:
                left.setdefault(parts, Counter())[kind(name)] += 1
    if left:
        named = [
            ", ".join(_counted(n, what) for what, n in counts.items())
            + " in "
            + ("/".join(parts) or "the folder itself")
            for parts, counts in left.items()
        ]
        more = f"; and in {len(named) - 8} more folders" if len(named) > 8 else ""
        yield f"not used: {'; '.join(named[:8])}{more}."


def _counted(count: int, what: str) -> str:
    plural = what + ("" if what in ("JSON", "CSV") else "s")
    return f"{count:,} {what if count == 1 else plural}"

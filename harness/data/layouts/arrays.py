"""NumPy archives (``.npz``): which of their arrays is the image, and which the mask."""

import zipfile
from collections.abc import Sequence
from pathlib import Path

from samfit.errors import UserError
from samfit.harness.data.files.fault import naming
from samfit.harness.data.layouts.tree import Tree, stem
from samfit.harness.data.layouts.words import meaning
from samfit.harness.data.listing import Files, Listing
from samfit.harness.data.reading import Reading
from samfit.harness.data.source import Source

KEYS = {
    "image": ("image", "images", "img", "imgs", "data", "x"),
    "mask": ("mask", "masks", "label", "labels", "gt", "gts", "seg", "segmentation", "y"),
}


def source(path: Path, role: str) -> Source:
    """The image or mask (``role``) in a file that holds nothing else, or says by a name which.

    Raises:
        UserError: if a ``.npz`` file has no such array, or several.
    """
    if path.suffix.lower() != ".npz":
        return Source(path)
    names = arrays(path)
    return Source(path, key=names[0] if len(names) == 1 else _key(path, names, role))


def arrays(path: Path) -> list[str]:
    """The names of the arrays in a ``.npz`` file; none is read.

    Raises:
        UserError: if it is no such file.
    """
    with naming(path), zipfile.ZipFile(path) as file:
        return [name.removesuffix(".npy") for name in file.namelist()]


def read_archives(tree: Tree, _: Reading) -> Listing | None:
    """Archives that hold an image and its mask each, as MedSAM and SAMed write them.

    Raises:
        UserError: if one has other arrays.
    """
    found = [(parts, name) for parts, names in tree.ending(".npz") for name in names]
    if not found or not _both(arrays(tree.path(*found[0]))):
        return None
    splits, named = dict[str, list[Files]](), set[str]()
    for parts, name in found:
        said, path = meaning(parts), tree.path(parts, name)
        names = arrays(path)
        image, mask = (Source(path, key=_key(path, names, role)) for role in KEYS)
        files = Files(image, (mask,), "/".join((*said.place, stem(name))))
        splits.setdefault(said.split or "train", []).append(files)
        named.add(f"{image.key} and {mask.key}")
    return Listing(
        name=tree.root.resolve().name,
        splits=splits,
        remarks=(f"images and masks are the arrays {' or '.join(sorted(named))} of each archive.",),
    )


def _both(names: Sequence[str]) -> bool:
    return all(any(name.lower() in known for name in names) for known in KEYS.values())


def _key(path: Path, names: Sequence[str], role: str) -> str:
    fitting = [name for name in names if name.lower() in KEYS[role]]
    if len(fitting) != 1:
        held = ", ".join(names) or "none"
        raise UserError(
            f"{path} holds the arrays {held}: call the {role} {KEYS[role][0]}, and nothing else so."
        )
    return fitting[0]

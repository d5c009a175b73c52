"""What the names of folders say: images or masks, and train, val or test."""

import re
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

# Words that folders' names are made of, in any case and with any numbers (``train_images``,
# ``train2017``, ``img_dir``). A name with any other word does not tell images from masks
# (``GT_edges``), but if it names a split, its files are of that split (``test_easy``).
IMAGES = ("image", "images", "img", "imgs", "input", "inputs")
MASKS = (
    "mask", "masks", "label", "labels", "gt", "gts", "groundtruth", "annotation", "annotations",
    "ann", "anno", "annot", "annots", "segmentation", "segmentations", "seg", "segs", "manual",
    "msk", "msks", "target", "targets",
)  # fmt: skip
SPLIT_WORDS = {
    word + ending: split
    for word, split in {
        "train": "train", "training": "train", "trainval": "train",
        "val": "val", "valid": "val", "validation": "val",
        "test": "test", "testing": "test",
    }.items()
    for ending in ("", "set", "data", "dataset")
}  # fmt: skip
MUTE = (
    "data", "dataset", "set", "object", "objects", "all", "dir", "dirs", "folder",
    "st",  # 1st_manual
    "png", "jpg", "jpeg", "tif", "tiff", "bmp", "npy", "npz", "nii", "nifti",
)  # fmt: skip
ROLES = {"mask": {*MASKS}, "image": {*IMAGES}}
WORDS = {*IMAGES, *MASKS, *SPLIT_WORDS, *MUTE}


class Meaning(NamedTuple):
    """What the folders above a file say of it.

    Attributes:
        role: ``image``, ``mask``, or empty.
        split: one of ``SPLITS``, or empty.
        place: the names of folders with words of their own.
        home: the folders above the one that says ``role``.
    """

    role: str
    split: str
    place: tuple[str, ...]
    home: str


def meaning(folders: Sequence[str]) -> Meaning:
    """Of these folders, the outermost first."""
    role, split, home = "", "", "."
    place = []
    for depth, name in enumerate(folders):
        found = words(name)
        split = next((SPLIT_WORDS[word] for word in found if word in SPLIT_WORDS), split)
        if not found or not WORDS.issuperset(found):
            place.append(name)
            continue
        # Masks first: mask_images are masks.
        said = next((role for role, known in ROLES.items() if known & {*found}), "")
        if said:
            role, home = said, "/".join(folders[:depth]) or "."
    return Meaning(role, split, tuple(place), home)


def split_of(*names: str) -> str:
    """The split that the last of these names with such a word is of, or nothing."""
    said = [SPLIT_WORDS[word] for name in names for word in words(name) if word in SPLIT_WORDS]
    return said[-1] if said else ""


@cache
def words(name: str) -> tuple[str, ...]:
    """The words of a name; two known ones written as one are told apart (``trainannot``)."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)  # TrainDataset
    one_word = re.sub(r"ground[\W_]*truths?", "groundtruth", apart.casefold())
    return tuple(part for word in re.findall(r"[^\W\d_]+", one_word) for part in _parts(word))


def _parts(word: str) -> tuple[str, ...]:
    if word not in WORDS:
        for cut in range(2, len(word) - 1):
            if word[:cut] in WORDS and word[cut:] in WORDS:
                return word[:cut], word[cut:]
    return (word,)

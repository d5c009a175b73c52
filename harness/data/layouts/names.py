"""Names of files, as they are compared to find what belongs together."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from samfit.harness.data.layouts.tree import stem
from samfit.harness.data.layouts.words import split_of

MASK_WORDS = r"masks?|segmentations?|seg|labels?|gts?|ground[ _-]?truth|anno|annotations?"
IMAGE_WORDS = r"images?|imgs?|sat"
ENDING = re.compile(rf"[ _-](?:{MASK_WORDS}|{IMAGE_WORDS}|l)$")  # CamVid's 1_L.png
HEAD = re.compile(rf"(^|/)(?:{MASK_WORDS}|{IMAGE_WORDS})(?:[ _-]+|(?=\d))(?=[^/]+$)")
WHOLE = re.compile(rf"(^|/)(?:{MASK_WORDS}|{IMAGE_WORDS})$")
# ``cell_3``, ``cell_mask_3``, ``cell_mask3``, ``cell (3)``: one of several masks of ``cell``.
NUMBERED = re.compile(
    rf"^(.+?)[ _.-](?:(?:{MASK_WORDS}|obj|object|inst|instance)[ _.-]*)?\(?(\d+)\)?$"
)
TOKENS = re.compile(r"\d+|[^\W\d_]+|[\W_]")

SPLITS_BY_NAME = "names of files say which split they are of."  # a remark


class Found(NamedTuple):
    """A file of an image or a mask, and where its folders put it.

    Attributes:
        path: the file.
        split: one of ``SPLITS``, or empty for a mask that serves any.
        place: its folders but for those that tell images from masks and one split from another.
    """

    path: Path
    split: str
    place: tuple[str, ...] = ()


class Numbered(NamedTuple):
    """The name of a mask that is one of several: what is before its number, and the number."""

    base: str
    number: int


def same(file: Found) -> str:
    """Its place and name."""
    return "/".join((*file.place, stem(file.path.name)))


def alike(file: Found) -> str:
    """The same in any case, however letters are composed."""
    return folded(same(file))


def without_ending(file: Found) -> str:
    """The same without a last word that tells masks from images."""
    return ENDING.sub("", alike(file))


def without_head(file: Found) -> str:
    """The same without a first word of that kind either; nothing if it is the only one."""
    return HEAD.sub(r"\1", WHOLE.sub(r"\1", without_ending(file)))


@cache
def folded(name: str) -> str:
    """A name in lower case, letters composed."""
    return unicodedata.normalize("NFC", name).casefold()


def numbered(file: Found) -> list[Numbered]:
    """The ways in which its name may be that of one of several masks."""
    found = {name: NUMBERED.match(name) for name in (without_ending(file), without_head(file))}
    return [Numbered(way[1], int(way[2])) for way in found.values() if way]


def split_by_name(files: Sequence[Found]) -> list[Found]:
    """Files in no split, in those that their names begin with if there are several (``test_1``)."""
    splits = [split_of(TOKENS.findall(stem(file.path.name))[0]) for file in files]
    if any(file.split for file in files) or not all(splits) or len({*splits}) < 2:
        return [*files]
    return [file._replace(split=split) for file, split in zip(files, splits, strict=True)]


def for_training(files: Iterable[Found]) -> list[Found]:
    """Files that are in no split in train."""
    return [file._replace(split=file.split or "train") for file in files]


class Common(NamedTuple):
    """What the names of all files share at their beginning and end, in whole words.

    Attributes:
        head, tail: in lower case; may be empty.
    """

    head: str = ""
    tail: str = ""

    @classmethod
    def of(cls, files: Sequence[Found]) -> "Common":
        """Of files that have other names than one another; of one file nothing is known."""
        names = [TOKENS.findall(folded(stem(file.path.name))) for file in files]
        if len(names) < 2:
            return cls()
        head = _shared(names)
        tail = _shared([name[head:][::-1] for name in names])
        return cls("".join(names[0][:head]), "".join(names[0][len(names[0]) - tail :]))

    def ways(self) -> list["Common"]:
        """What may be cut from names: nothing, the tail, the head, both."""
        ways = [Common(), Common(tail=self.tail), Common(head=self.head), self]
        return list(dict.fromkeys(ways))

    def cut(self, file: Found) -> str:
        """The place and name of a file without them."""
        folders, _, name = alike(file).rpartition("/")
        return f"{folders}/{name.removeprefix(self.head).removesuffix(self.tail)}"

    def __str__(self) -> str:
        return f"{self.head}NAME{self.tail}"


def _shared(names: Iterable[Sequence[str]]) -> int:
    """How many parts all names begin with, the last part of each left aside."""
    shared = 0
    for parts in zip(*(name[:-1] for name in names), strict=False):
        if len(set(parts)) > 1:
            break
        shared += 1
    return shared

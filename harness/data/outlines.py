"""Objects as annotation files draw them: polygons, or runs of pixels (RLE)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from samfit.errors import UserError
from samfit.harness.data.masks.layers import layers

Size = tuple[int, int]  # height and width


class Outline(NamedTuple):
    """One object.

    Attributes:
        shape: its polygons, each as x0, y0, x1, y1, ... in pixels (numbers packed in an ``array``
            take a quarter of the memory); or COCO's RLE.
        category: 0-based index of what it is.
    """

    shape: tuple[Sequence[float], ...] | Mapping[str, Any]
    category: int = 0


class Outlines(NamedTuple):
    """The objects of one image.

    Attributes:
        file: where they are written, for messages.
        size: height and width of the image that they are drawn on; None if coordinates are shares
            of it, as in YOLO's files.
        objects: in the order of the file.
    """

    file: Path
    size: Size | None
    objects: tuple[Outline, ...]

    def draw(self, size: Size) -> NDArray[np.int32]:
        """Layers of ids (L, H, W) for an image of ``size``; object i of the file has id i + 1.

        A polygon covers the pixels that pycocotools gives it. An object that covers none is in no
        layer.

        Raises:
            UserError: if ``size`` is not that of the file, a shape is not valid, or there are
                polygons and pycocotools is not installed.
        """
        if self.size and self.size != size:
            raise UserError(
                f"{self.file} says {self.size[1]} x {self.size[0]} pixels of an image "
                f"that has {size[1]} x {size[0]}: annotate that image, or replace it."
            )
        return layers((self._covered(outline, size) for outline in self.objects), size)

    def _covered(self, outline: Outline, size: Size) -> NDArray[np.bool_]:
        try:
            return _covered(outline.shape, size, shares=self.size is None)
        except ValueError as error:
            raise UserError(f"{self.file} has an object that {error}: mend it.") from error


def _covered(shape: Any, size: Size, *, shares: bool) -> NDArray[np.bool_]:
    if isinstance(shape, Mapping):
        if shape.get("size") != [*size]:
            raise ValueError(f"is of {shape.get('size')} pixels where its image has {[*size]}")
        return _run(shape.get("counts"), size)
    sides = np.array([size[1], size[0]], np.float64)
    polygons = [np.reshape(polygon, (-1, 2)) * (sides if shares else 1) for polygon in shape]
    return _run(_traced(polygons, size), size)


def _traced(polygons: Sequence[NDArray[np.float64]], size: Size) -> str:
    """The runs of the pixels in any of some polygons; each is (points, 2), x and y in pixels."""
    try:
        from pycocotools import mask
    except ImportError as error:
        raise UserError('polygons are drawn by pycocotools: pip install "samfit[coco]".') from error
    far = 2 * max(size)  # lines to far points take long to follow
    if any((np.abs(points) > far).any() for points in polygons):
        raise ValueError("lies far outside its image")
    drawn = mask.merge(mask.frPyObjects([points.ravel().tolist() for points in polygons], *size))
    return str(drawn["counts"], "ascii")


def _run(counts: Any, size: Size) -> NDArray[np.bool_]:
    """Runs of pixels column by column, in turn outside and inside; as numbers or compressed.

    pycocotools trusts their lengths, and brings the process down where they are wrong.
    """
    runs = _unpacked(counts) if isinstance(counts, str) else counts
    if not isinstance(runs, list) or not all(type(run) is int and run >= 0 for run in runs):
        raise ValueError("has an RLE that is not one of COCO's")
    if sum(runs) != size[0] * size[1]:
        raise ValueError("has an RLE of more or fewer pixels than its image")
    return np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(size[::-1]).T


def _unpacked(text: str) -> list[int]:
    """The lengths in a compressed RLE.

    A character is 6 bits above 48: 5 of a number, the lowest first, and whether more follow. A
    number is signed; from the fourth on it is the difference to the last but one (maskApi.c).
    """
    runs, value, shift = list[int](), 0, 0
    for character in text:
        bits = ord(character) - 48
        if not 0 <= bits < 64:
            raise ValueError("has an RLE that is not one of COCO's")
        value |= (bits & 31) << shift
        shift += 5
        if not bits & 32:
            value -= (1 << shift) if bits & 16 else 0
            runs.append(value + (runs[-2] if len(runs) > 2 else 0))
            value, shift = 0, 0
    return runs

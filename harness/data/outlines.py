"""Objects as annotation files draw them: polygons, or runs of pixels (RLE)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from samfit.errors import UserError

Box = tuple[slice, slice]  # rows and columns


class Outline(NamedTuple):
    """One object.

    Attributes:
        shape: its polygons, each as x0, y0, x1, y1, ... in pixels; or COCO's RLE.
        category: 0-based index of what it is.
    """

    shape: tuple[tuple[float, ...], ...] | Mapping[str, Any]
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
    size: tuple[int, int] | None
    objects: tuple[Outline, ...]

    def draw(self, size: tuple[int, int]) -> NDArray[np.int32]:
        """Layers of ids (L, H, W) for an image of ``size``; object i of the file has id i + 1.

        Pixels are those that pycocotools gives to a polygon. An object that covers none is in no
        layer.

        Raises:
            UserError: if ``size`` is not that of the file, a shape is not valid, or pycocotools is
                not installed.
        """
        if self.size and self.size != size:
            raise UserError(
                f"{self.file} says {self.size[1]} x {self.size[0]} pixels of an image "
                f"that has {size[1]} x {size[0]}: annotate that image, or replace it."
            )
        layers = [np.zeros(size, np.int32)]
        for index, outline in enumerate(self.objects):
            mask, box = _rasterise(outline.shape, self.size is None, size, self.file)
            layer = next((layer for layer in layers if not layer[box][mask[box]].any()), None)
            if layer is None:
                layer = np.zeros(size, np.int32)
                layers.append(layer)
            layer[box][mask[box]] = index + 1
        return np.stack(layers)


def _rasterise(
    shape: Sequence[Sequence[float]] | Mapping[str, Any],
    shares: bool,
    size: tuple[int, int],
    file: Path,
) -> tuple[NDArray[np.bool_], Box]:
    """The pixels of a shape, and a box around them."""
    codec = _pycocotools()
    height, width = size
    if isinstance(shape, Mapping):
        runs = _runs(shape, codec, size, file)
    else:
        scale = np.array([width, height] if shares else [1, 1], np.float64)
        drawn = [(np.reshape(polygon, (-1, 2)) * scale).ravel().tolist() for polygon in shape]
        runs = codec.merge(codec.frPyObjects(drawn, height, width))
    left, top, wide, high = (int(edge) for edge in codec.toBbox(runs))
    return codec.decode(runs).astype(bool), (slice(top, top + high), slice(left, left + wide))


def _runs(shape: Mapping[str, Any], codec: Any, size: tuple[int, int], file: Path) -> Any:
    counts = shape.get("counts")
    if list(shape.get("size", ())) != list(size):
        raise UserError(
            f"{file} has an RLE of size {shape.get('size')} in an image of {list(size)}: mend it."
        )
    if isinstance(counts, list):
        if sum(counts) != size[0] * size[1] or min(counts) < 0:
            raise UserError(f"{file} has an RLE whose counts do not add up to its image: mend it.")
        return codec.frPyObjects(dict(shape), *size)
    return {"size": list(size), "counts": str(counts).encode()}


def _pycocotools() -> Any:
    try:
        from pycocotools import mask
    except ImportError as error:
        raise UserError(
            'polygons and RLE are drawn by pycocotools: pip install "samfit[coco]".'
        ) from error
    return mask

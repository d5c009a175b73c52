"""Images in tiles, so that what is thin or small in a large image is not lost in SAM's input."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from samfit.errors import UserError
from samfit.harness.data.dataset import DataSet
from samfit.harness.data.example import Example, Mask
from samfit.harness.record.cell import Cell
from samfit.harness.record.recipe import Recipe

WHOLE_IMAGE = ("box", "none")  # prompts that hold for any part of an image, too

Part = tuple[slice, slice]  # rows and columns


@dataclass(frozen=True)
class Tiling:
    """Square tiles of an image, each as far into the next as ``overlap`` says, in pixels.

    The last ones are moved inwards, so that all have the same size; of an image that is smaller
    than a tile, there is one that covers it.
    """

    side: int
    overlap: int

    @classmethod
    def of(cls, recipe: Recipe, cell: Cell) -> "Tiling | None":
        """The tiling of a recipe, if it has one.

        Raises:
            UserError: if it does not go with the Cell, or tiles overlap by all of a tile.
        """
        if not recipe.tile:
            return None
        if recipe.overlap >= recipe.tile:
            raise UserError(
                f"--overlap must be less than --tile {recipe.tile}, got {recipe.overlap}."
            )
        for given, option in (
            (cell.prompt not in WHOLE_IMAGE, f"--prompt {cell.prompt}"),
            (cell.cache_embeddings, "--cache-embeddings"),
        ):
            if given:
                raise UserError(
                    f"--tile does not go with {option}, which is for whole images: leave one out."
                )
        return cls(recipe.tile, recipe.overlap)

    def parts(self, size: tuple[int, int]) -> list[Part]:
        """The tiles of an image of ``size`` (H, W), row by row."""
        rows, columns = (self._along(length) for length in size)
        return [(row, column) for row in rows for column in columns]

    def _along(self, length: int) -> list[slice]:
        side = min(self.side, length)
        starts = [*range(0, length - side, self.side - self.overlap), length - side]
        return [slice(start, start + side) for start in starts]

    def blended(self, size: tuple[int, int], logits_of: Callable[[Part], Tensor]) -> Tensor:
        """Logits (K, H, W) of an image, in which those of its tiles fade into each other.

        Args:
            size: H and W.
            logits_of: gives the logits (K, h, w) of a part of the image.
        """
        total, weights = torch.zeros(0, *size), torch.zeros(size)
        for part in self.parts(size):
            logits = logits_of(part)
            if not len(total):
                total = torch.zeros(len(logits), *size)
            weight = _fading(logits.shape[1:], self.overlap)
            total[:, part[0], part[1]] += weight * logits.cpu()
            weights[part] += weight
        return total.div_(weights)


def _fading(size: Sequence[int], overlap: int) -> Tensor:
    """Weights (h, w) that rise evenly from the edges over ``overlap`` pixels."""
    along = [
        torch.minimum(torch.arange(1.0, n + 1), torch.arange(n, 0.0, -1)).clamp(max=overlap + 1)
        for n in size
    ]
    return along[0][:, None] * along[1]


@dataclass(frozen=True)
class Tile:
    """A part of an example, as an example of its own."""

    example: Example
    part: Part

    @property
    def name(self) -> str:
        """The example's, with the first row and column of the part."""
        return f"{self.example.name}/{self.part[0].start}-{self.part[1].start}"

    def read(self) -> tuple[NDArray[np.uint8], Mask]:
        """The image (h, w, 3) and the mask of the part."""
        image, mask = self.example.read()
        return image[self.part].copy(), mask[(..., *self.part)].copy()


def in_tiles(data: DataSet, tiling: Tiling | None) -> DataSet:
    """A data set whose training examples are tiles.

    Raises:
        UserError: if an image cannot be read.
    """
    if tiling is None:
        return data
    tiles = [Tile(one, part) for one in data.train for part in tiling.parts(_size(one))]
    return replace(data, train=tuple(tiles))


def _size(example: Example) -> tuple[int, int]:
    """Height and width; files tell them without being read once more."""
    known: tuple[int, int] | None = getattr(example, "size", None)
    return known or example.read()[0].shape[:2]

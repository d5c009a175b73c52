"""Images a few rows at a time, and the rows beside these that a convolution of dilation 2 sees."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from samfit.adapters.parts.conv_branch import DILATION
from samfit.units import MIB

# What is computed at a time: with CAD's 256 channels in float32, 8 MiB. PyTorch's allocator cuts
# that, and what cuDNN takes beside it, from the pieces of 12 to 48 MiB that SAM's encoder has left.
# A whole image, 64 MiB, fits none of them, and would be reserved beside them.
TILE_PIXELS = 2**13
ALIGNED = 4  # rows: pooling to the grid takes at most so many together

# What is kept, several tiles in one piece of memory: it fits what the encoder has left, but is more
# than a convolution of one tile takes for itself, 28 MiB at most. Else a tile that stays would be
# cut from the room in which it was computed, and as much would be reserved again for the next.
KEPT_BYTES = 32 * MIB


def row_tiles(height: int, width: int) -> list[slice]:
    """Consecutive rows that cover an image of this size; all but the last are equally many."""
    step = max(TILE_PIXELS // width // ALIGNED, 1) * ALIGNED
    return [slice(at, min(at + step, height)) for at in range(0, height, step)]


def room_for(tiles: list[slice], width: int, weight: Tensor) -> list[Tensor]:
    """For each of ``tiles`` an uninitialised (1, C, h, width), C as many as ``weight`` gives."""
    row = len(weight) * width
    together = max(KEPT_BYTES // ((tiles[0].stop - tiles[0].start) * row * weight.itemsize), 1)
    rooms = []
    for at in range(0, len(tiles), together):
        sizes = [(rows.stop - rows.start) * row for rows in tiles[at : at + together]]
        rooms += weight.new_empty(sum(sizes)).split(sizes)
    return [room.view(1, len(weight), -1, width) for room in rooms]


def with_border(
    rows: slice, height: int, image: Callable[[slice], Tensor], before: Tensor | None
) -> Tensor:
    """What a convolution sees for ``rows``: with two rows more on either side, zero outside.

    Args:
        rows: of the result of the convolution.
        height: of the whole image.
        image: gives rows (1, C, h, W) of what is convolved.
        before: ``border`` of the tile above, so that no row is asked for twice; None for the first.
    """
    start = 0 if before is None else rows.start + DILATION
    new = image(slice(start, min(rows.stop + DILATION, height)))
    above = DILATION if before is None else 0
    below = max(rows.stop + DILATION - height, 0)
    if above or below:
        new = F.pad(new, (0, 0, above, below))
    return new if before is None else torch.cat([before, new], dim=2)


def border(seen: Tensor) -> Tensor:
    """What the next tile sees, too."""
    return seen[:, :, -2 * DILATION :].clone()


def with_neighbours(tiles: list[Tensor], index: int) -> Tensor:
    """As ``with_border``, of an image that is held as ``tiles``."""
    tile = tiles[index]
    outside = tile.new_zeros(*tile.shape[:2], DILATION, tile.shape[3])
    above = tiles[index - 1][:, :, -DILATION:] if index > 0 else outside
    below = tiles[index + 1][:, :, :DILATION] if index + 1 < len(tiles) else outside
    return torch.cat([above, tile, below], dim=2)


def convolve(seen: Tensor, weight: Tensor) -> Tensor:
    """Convolve rows that ``with_border`` or ``with_neighbours`` gave, without these borders."""
    return F.conv2d(seen, weight, padding=(0, DILATION), dilation=DILATION)


def pooled_rows(pooled: Tensor, rows: slice, height: int) -> Tensor:
    """The part of ``pooled`` (1, C, h, w) that was pooled from ``rows`` of an image."""
    factor = height // pooled.shape[2]
    return pooled[:, :, rows.start // factor : rows.stop // factor]

"""What a mask holds, and what is left of it at the size at which a SAM sees it."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from samfit.harness.data.example import Mask

PER_MASK_PIXEL = 4  # SAM's input has so many times the side of its masks
FINE = 3  # times that bytes can be halved before one pixel of the first is lost


class Measured(NamedTuple):
    """Counts of one mask.

    Attributes:
        image_size: side of SAM's input.
        height, width: its own size.
        of_class: labelled pixels by class, the background first; of instances, those of any object
            second.
        objects: connected regions of one class, as SAM's input shows them; or ids.
        vanished: objects of which not a pixel is left when the mask is squashed to SAM's input.
        thin: foreground pixels that fill at most half of a pixel of SAM's masks, which have a
            quarter of the input's side: lines thinner than such a pixel, and edges.
    """

    image_size: int
    height: int
    width: int
    of_class: tuple[int, ...]
    objects: int
    vanished: int
    thin: int

    @property
    def foreground(self) -> int:
        """Labelled pixels that are not background."""
        return sum(self.of_class[1:])


def measure(mask: Mask, classes: int, image_size: int) -> Measured:
    """Counts of a mask as an ``Example`` gives it, for SAM's input of side ``image_size``.

    A binary mask may have any other value in place of 1.
    """
    height, width = mask.shape[-2:]
    if mask.ndim == 3:
        inside = np.asarray((mask > 0).any(0)).view(np.uint8)
        ids = np.setdiff1d(mask, 0)
        left = np.setdiff1d(_squashed(mask, image_size), 0)
        filled = int(np.count_nonzero(inside))
        counts, vanished = (inside.size - filled, filled), len(ids) - len(left)
        _, _, thin = _regions(inside, image_size)
        return Measured(image_size, height, width, counts, len(ids), vanished, thin)
    if classes == 1:
        filled = int(np.count_nonzero(mask))
        counts = (mask.size - filled, filled)
    else:
        counts = tuple(np.bincount(mask.ravel(), minlength=256)[:classes].tolist())
    present = [value for value in range(1, len(counts)) if counts[value]]
    of_values = (mask if classes == 1 else (mask == value).view(np.uint8) for value in present)
    regions = [_regions(inside, image_size) for inside in of_values]
    totals = np.sum(regions or [(0, 0, 0)], axis=0).tolist()
    return Measured(image_size, height, width, counts, *totals)


def _squashed(mask: Mask, side: int) -> Mask:
    """The pixels of (..., H, W) that are nearest to those of (side, side)."""
    rows, columns = (_nearest(length, side) for length in mask.shape[-2:])
    return mask[..., rows, :][..., columns]


def _nearest(length: int, side: int) -> NDArray[np.int64]:
    """Of ``length`` pixels in a row, those that are nearest to the centres of ``side`` pixels."""
    return ((np.arange(side) + 0.5) * length / side).astype(int)


def _regions(inside: NDArray[Any], side: int) -> tuple[int, int, int]:
    """The regions where a mask (H, W) is not 0, how many SAM's input misses, and thin pixels.

    Regions are counted on pixels of which each stands for a square of some, but for so few that
    there are at least ``side`` in a row and a column.
    """
    import cv2  # late: it takes a while to import

    white = inside.dtype == np.uint8 and inside.max() == 255  # and black: each is much to copy
    covered, halvings = inside if white else (inside != 0).view(np.uint8) * np.uint8(255), 0
    while min(covered.shape) >= 2 * side:
        covered = _halved(covered if halvings < FINE else covered.astype(np.float32))
        halvings += 1
    count, regions = cv2.connectedComponents((covered > 0).view(np.uint8))
    rows, columns = (_nearest(length, side) for length in inside.shape)
    seen = regions[rows >> halvings][:, columns >> halvings][_squashed(inside, side) > 0]
    left = int(np.count_nonzero(np.bincount(seen, minlength=count)))
    return count - 1, count - 1 - left, _thin(covered, inside.size, side // PER_MASK_PIXEL)


def _halved(covered: NDArray[Any]) -> NDArray[Any]:
    """Means of 2 x 2 pixels; of what lies beyond the edge, 0."""
    import cv2

    height, width = covered.shape
    even = cv2.copyMakeBorder(covered, 0, height % 2, 0, width % 2, cv2.BORDER_CONSTANT)
    half = (-(-width // 2), -(-height // 2))
    return np.asarray(cv2.resize(even, half, interpolation=cv2.INTER_AREA))


def _thin(covered: NDArray[Any], pixels: int, side: int) -> int:
    """Of so many ``pixels``, those that fill at most half of a pixel of SAM's masks."""
    import cv2

    while min(covered.shape) >= 2 * side:  # quick, and nearly all of the way
        covered = _halved(covered)
    smaller = (min(covered.shape[1], side), min(covered.shape[0], side))
    shares = cv2.resize(covered, smaller, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    return round(float(shares[shares <= 0.5].sum()) * pixels / shares.size)

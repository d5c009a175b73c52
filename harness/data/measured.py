"""What a mask holds, and what is left of it at the size at which a SAM sees it."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from samfit.harness.data.example import Mask

PER_MASK_PIXEL = 4  # SAM's input has so many times the side of its masks


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
    """Counts of a mask as an ``Example`` gives it, for SAM's input of side ``image_size``."""
    height, width = mask.shape[-2:]
    if mask.ndim == 3:
        inside = np.asarray((mask > 0).any(0))
        ids = np.setdiff1d(mask, 0)
        left = np.setdiff1d(_squashed(mask, image_size), 0)
        filled = int(np.count_nonzero(inside))
        counts, vanished = (inside.size - filled, filled), len(ids) - len(left)
        return Measured(
            image_size, height, width, counts, len(ids), vanished, _regions(inside, image_size)[2]
        )
    if classes == 1:
        filled = int(np.count_nonzero(mask))
        counts = (mask.size - filled, filled)
    else:
        counts = tuple(np.bincount(mask.ravel(), minlength=256)[:classes].tolist())
    present = [value for value in range(1, len(counts)) if counts[value]]
    regions = np.array([_regions(mask == value, image_size) for value in present] or [(0, 0, 0)])
    return Measured(image_size, height, width, counts, *regions.sum(0).tolist())


def _squashed(mask: Mask, side: int) -> Mask:
    """The pixels of (..., H, W) that are nearest to those of (side, side)."""
    rows, columns = (((np.arange(side) + 0.5) * n / side).astype(int) for n in mask.shape[-2:])
    return mask[..., rows[:, None], columns]


def _regions(inside: NDArray[np.bool_], side: int) -> tuple[int, int, int]:
    """The regions of a mask (H, W) at SAM's input, how many of them vanish, and thin pixels."""
    import cv2  # late: it takes a while to import

    height, width = inside.shape
    # Bytes tell shares down to 1/255, which is a pixel in 16 x 16.
    fine = max(height, width) <= 16 * side
    pixels = inside.view(np.uint8) * np.uint8(255) if fine else inside.astype(np.float32)
    smaller = (min(width, side), min(height, side))
    covered = cv2.resize(pixels, smaller, interpolation=cv2.INTER_AREA)
    covered = cv2.resize(covered, (side, side), interpolation=cv2.INTER_NEAREST_EXACT)
    covered = covered / np.float32(255 if fine else 1)
    count, regions = cv2.connectedComponents((covered > 0).view(np.uint8))
    left = np.unique(regions[_squashed(inside, side)])
    shares = cv2.resize(covered, (side // PER_MASK_PIXEL,) * 2, interpolation=cv2.INTER_AREA)
    thin = shares[shares <= 0.5].sum() * inside.size / shares.size
    return count - 1, count - 1 - len(left), round(float(thin))

"""Raster: the values of one picture, as they are in its file."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Values = NDArray[Any]  # (H, W), or (H, W, C)

# EXIF's orientations from 2 on, as quarter turns counterclockwise that follow a mirroring.
_TURNS = {2: (True, 0), 3: (False, 2), 4: (True, 2), 5: (True, 1), 6: (False, 3), 7: (True, 3),
          8: (False, 1)}  # fmt: skip


class Raster(NamedTuple):
    """One picture.

    Attributes:
        values: (H, W) or (H, W, C) of any type.
        orientation: how EXIF says that they are to be turned; 1 is upright.
        lossy: they are not quite those that were written, as in a JPEG.
    """

    values: Values
    orientation: int = 1
    lossy: bool = False

    def upright(self) -> Values:
        """The values, turned as EXIF says."""
        mirrored, turns = _TURNS.get(self.orientation, (False, 0))
        values = self.values[:, ::-1] if mirrored else self.values
        return np.rot90(values, turns)


def as_stored(upright: Values, orientation: int) -> Values:
    """Undo ``Raster.upright``."""
    mirrored, turns = _TURNS.get(orientation, (False, 0))
    values = np.rot90(upright, -turns)
    return values[:, ::-1] if mirrored else values

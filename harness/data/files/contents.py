"""What a file of pictures contains, told by its head."""

from typing import NamedTuple

SIDEWAYS = (5, 6, 7, 8)  # EXIF orientations that swap height and width


class Contents(NamedTuple):
    """Pages of one size.

    Attributes:
        height, width: as stored.
        channels: of a page, without transparency.
        dtype: numpy's name for the type of the values.
        pages: pictures of this size: pages of a TIFF, slices of a volume, frames.
        unnamed: the file does not say whether ``pages`` are pictures, or channels of a single one.
        orientation: as EXIF counts them, from 1, which is upright.
        others: pictures of other sizes, which are not read: thumbnails, mostly.
        axes: of a volume, which of them its slices are counted along; empty for others.
    """

    height: int
    width: int
    channels: int = 1
    dtype: str = "uint8"
    pages: int = 1
    unnamed: bool = False
    orientation: int = 1
    others: int = 0
    axes: str = ""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width, as stored."""
        return self.height, self.width

    @property
    def upright_size(self) -> tuple[int, int]:
        """Height and width, turned as EXIF says."""
        return self.size[::-1] if self.orientation in SIDEWAYS else self.size

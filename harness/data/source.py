"""Where the pixels of a picture are, and where the objects of an image are drawn."""

from pathlib import Path
from typing import NamedTuple

ALL_PAGES = -1  # as channels of one picture


class Source(NamedTuple):
    """One picture in a file.

    Attributes:
        path: the file.
        page: of a TIFF, or slice of a volume; from 0, or ``ALL_PAGES``.
        key: of the array in an ``.npz`` file.
        axis: of a volume, that its slices are counted along; -1 is the last.
        more: further files, if each holds one channel of the picture; ``path`` is the first.
    """

    path: Path
    page: int = 0
    key: str = ""
    axis: int = -1
    more: tuple[Path, ...] = ()

    @property
    def files(self) -> "tuple[Source, ...]":
        """The picture in each file."""
        return tuple(self._replace(path=path, more=()) for path in (self.path, *self.more))

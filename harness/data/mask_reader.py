"""From the files of a mask to the mask of an example."""

from collections.abc import Sequence
from dataclasses import dataclass

from samfit.harness.data.example import Kind, Mask
from samfit.harness.data.files.contents import Contents
from samfit.harness.data.files.fault import naming
from samfit.harness.data.files.raster import Values
from samfit.harness.data.files.read import read_values
from samfit.harness.data.listing import Files
from samfit.harness.data.masks.layers import layers
from samfit.harness.data.masks.meaning import Meaning
from samfit.harness.data.outlines import Outlines


@dataclass(frozen=True)
class MaskReader:
    """How the masks of a data set are read.

    Attributes:
        meaning: of the values in files; None for outlines, which have no values.
        apart: whether the objects of an image are in files of their own, one in each.
    """

    meaning: Meaning | None = None
    apart: bool = False

    @property
    def kind(self) -> Kind:
        """Of the data set."""
        return "instances" if self.apart or not self.meaning else self.meaning.kind

    @property
    def told(self) -> str:
        """What the values in files are, in a word."""
        return "instances" if self.apart or not self.meaning else self.meaning.told

    @property
    def classes(self) -> int:
        """1, or the number of class indices."""
        return 1 if self.apart or not self.meaning else self.meaning.classes

    @property
    def class_names(self) -> tuple[str, ...]:
        """From 0; empty if values do not tell them."""
        return self.meaning.class_names if self.meaning else ()

    def read(self, files: Files, contents: Contents) -> Mask:
        """The mask of an image that has ``contents``.

        Raises:
            UserError: if a file cannot be read, or holds what it should not.
        """
        if isinstance(files.masks, Outlines):
            return files.masks.draw(contents.upright_size)
        with naming(files.masks[0].path):
            return self.mask([read_values(source).upright() for source in files.masks])

    def mask(self, values: Sequence[Values]) -> Mask:
        """The mask that the values of its files make.

        Raises:
            PictureError: for values that it should not hold.
        """
        assert self.meaning is not None, "outlines have no values"
        found = (self.meaning.apply(each) for each in values)
        if not self.apart:
            return next(found)
        return layers((mask > 0 for mask in found), values[0].shape[:2])

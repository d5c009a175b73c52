"""All objects of an image as one, for models that are not told one object from another."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samfit.harness.data.dataset import DataSet
from samfit.harness.data.example import Example, Mask
from samfit.harness.data.listing import SPLITS


@dataclass(frozen=True)
class Together:
    """An example of instances whose mask is binary: 1 in any object."""

    example: Example

    @property
    def name(self) -> str:
        """Of the example."""
        return self.example.name

    def read(self) -> tuple[NDArray[np.uint8], Mask]:
        """The image (H, W, 3), and the mask (H, W) of 0 and 1."""
        image, mask = self.example.read()
        return image, np.asarray((mask > 0).any(0), np.uint8)


def together(data: DataSet) -> DataSet:
    """A data set of instances with the objects of each image as one."""
    splits: Any = {split: tuple(map(Together, getattr(data, split))) for split in SPLITS}
    return replace(data, kind="binary", **splits)

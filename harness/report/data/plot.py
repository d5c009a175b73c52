"""A few images of a data set with their masks, as they are read."""

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from samfit.harness.data.dataset import DataSet
from samfit.harness.data.example import Mask
from samfit.harness.data.listing import SPLITS
from samfit.harness.data.masked import masked
from samfit.harness.report.kit.style import MUTED, styled

SHOWN, SIDE = 5, 2.2  # pairs, and inches of each
MOST_PIXELS = 512  # a side of what is drawn


@styled
def draw_pairs(data: DataSet) -> Figure:
    """Five images, evenly spaced over the data set, and below each what its mask says.

    A class, or an object, has a colour of its own; unlabelled pixels are grey.
    """
    examples = [example for split in SPLITS for example in getattr(data, split)]
    chosen = np.unique(np.linspace(0, len(examples) - 1, SHOWN).round().astype(int))
    figure = Figure(figsize=(SIDE * len(chosen), 2 * SIDE + 0.8), layout="constrained")
    axes = figure.subplots(2, len(chosen), squeeze=False)
    for column, index in enumerate(chosen):
        image, mask = _reduced(*examples[index].read())
        axes[0, column].imshow(image)
        axes[1, column].imshow(masked(image, mask, data.kind == "classes"))
        axes[0, column].set_title(_shortened(examples[index].name), fontsize=8)
    for one in axes.flat:
        one.set_axis_off()
    figure.suptitle(f"{data.name}: images, and masks as they are read ({data.masks})", fontsize=10)
    figure.supxlabel(
        f"{len(chosen)} of {len(examples):,} pairs. {_key(data)}", fontsize=7.5, color=MUTED
    )
    return figure


def _reduced(image: NDArray[np.uint8], mask: Mask) -> tuple[NDArray[np.uint8], Mask]:
    """Both at every n-th pixel: a photograph has more than can be seen."""
    step = -(-max(image.shape[:2]) // MOST_PIXELS)
    return image[::step, ::step], mask[..., ::step, ::step]


def _shortened(name: str) -> str:
    return name if len(name) < 28 else f"...{name[-25:]}"


def _key(data: DataSet) -> str:
    if data.kind == "instances":
        return "Each object has a colour; there are ten."
    if data.kind == "classes":
        return "Each class but 0 has a colour; there are ten. Unlabelled pixels are grey."
    return "The object is coloured."

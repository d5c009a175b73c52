"""How many classes a data set has, where nobody says."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from samfit.harness.data.example import IGNORED
from samfit.harness.data.pixels import THREADS, eight_bits, grey, load, reading

EDGES = range(192, IGNORED)  # levels of a smeared edge; hardly a data set has as many classes


def guess_classes(masks: Iterable[Path]) -> tuple[int, tuple[str, ...]]:
    """The number of classes in all of these masks, and a remark unless it is beyond doubt.

    It is 1 (binary) if each mask holds nothing but 0 and 1, or nothing but 0 and 255; or if any
    holds levels from 192 to 254, which are taken for edges smeared by JPEG or resizing. Otherwise
    it is one more than the largest value, background included; 255 stands for pixels that nobody
    labelled.

    Raises:
        UserError: if a mask cannot be read.
    """
    with ThreadPoolExecutor(THREADS) as pool:
        levels = list(pool.map(_levels, masks))
    if all(each <= {0, 1} or each <= {0, IGNORED} for each in levels):
        return 1, ()
    union = frozenset[int]().union(*levels)
    if not union.isdisjoint(EDGES):
        return 1, ("masks hold grey levels: pixels brighter than half count as foreground.",)
    classes = max(union - {IGNORED}) + 1
    return classes, (
        f"masks hold class indices: found {classes} classes; --classes overrides this.",
    )


def _levels(mask: Path) -> frozenset[int]:
    with reading(mask):
        return frozenset(np.unique(eight_bits(grey(load(mask)))).tolist())

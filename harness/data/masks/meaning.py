"""Meaning: from the values of a mask to what an example gives."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from samfit.harness.data.example import IGNORED, Kind, Mask
from samfit.harness.data.files.fault import PictureError
from samfit.harness.data.masks.look import packed

Told = Literal["binary", "classes", "instances", "coded", "soft"]

MOST_SHOWN = 12  # values in a sentence
MOST_IDS = 2**24  # that float32 tells apart, in which masks are resized
UNKNOWN = 254  # no class: there are fewer


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """What the values of all masks of a data set mean.

    Attributes:
        told: what they are, in a word.
        classes: 1, or the number of class indices.
        table: values and their classes; empty if values are class indices, ids or levels.
        others: class of all values that ``table`` does not name; None if there must be none.
        threshold: of levels: what is above it is the object.
        ignored: values of pixels that nobody labelled.
        class_names: from 0; empty if unknown.
        colours: whether values are colours, 0xRRGGBB.
    """

    told: Told
    classes: int = 1
    table: tuple[tuple[float, int], ...] = ()
    others: int | None = None
    threshold: float | None = None
    ignored: tuple[float, ...] = ()
    class_names: tuple[str, ...] = ()
    colours: bool = False

    @property
    def kind(self) -> Kind:
        """Of the data set."""
        if self.told == "instances":
            return "instances"
        return "classes" if self.classes > 1 else "binary"

    def apply(self, values: NDArray[Any]) -> Mask:
        """The mask of values (H, W), or of colours (H, W, 3), as ``Example`` says.

        Raises:
            PictureError: for a value that has no meaning.
        """
        if values.ndim == 3 or self.colours:
            values = packed(np.broadcast_to(np.atleast_3d(values), (*values.shape[:2], 3)))
        ignored = np.isin(values, self.ignored) if self.ignored else np.False_
        if self.told == "instances":
            return np.where(ignored, 0, _ids(values))[None].astype(np.int32)
        if self.threshold is not None:
            return ((values > self.threshold) & ~ignored).astype(np.uint8)
        labels = self._by_table(values, ignored) if self.table else self._indices(values, ignored)
        return np.where(ignored, IGNORED, labels).astype(np.uint8) if self.ignored else labels

    def _by_table(self, values: NDArray[Any], ignored: Any) -> NDArray[np.uint8]:
        if values.dtype in (np.uint8, np.bool_):  # each of the few values once, not each pixel
            import cv2  # late: it takes a while to import

            labels = cv2.LUT(
                np.ascontiguousarray(values.view(np.uint8)), self._of_table(np.arange(256))
            )
        else:
            labels = self._of_table(values)
        unknown = (labels == UNKNOWN) & ~ignored
        if unknown.any():
            raise PictureError(
                f"holds {shown(np.unique(values[unknown]).tolist())}, which no class is given for: "
                "add it to --classes, or to --ignore"
            )
        return labels

    def _of_table(self, values: NDArray[Any]) -> NDArray[np.uint8]:
        labels = np.full(values.shape, UNKNOWN if self.others is None else self.others, np.uint8)
        for value, label in self.table:
            labels[values == value] = label
        return labels

    def _indices(self, values: NDArray[Any], ignored: Any) -> NDArray[np.uint8]:
        wrong = values[((values < 0) | (values >= self.classes)) & ~ignored]
        if wrong.size:
            raise PictureError(
                f"holds the class {wrong.max():g}, but with {self.classes} classes a mask holds 0 "
                f"to {self.classes - 1}: correct the mask or --classes"
            )
        return values.astype(np.uint8)


def _ids(values: NDArray[Any]) -> NDArray[Any]:
    if values.dtype == np.bool_:
        return values.astype(np.int32)
    if values.size and (values.min() < 0 or values.max() >= MOST_IDS):
        if values.min() < 0:
            raise PictureError("holds ids below 0: give --ignore for what is no object")
        found = np.unique(values)  # too large: counted anew
        return np.searchsorted(found, values) + (found[0] != 0)
    return values


def shown(values: Sequence[float], colours: bool = False) -> str:
    """Values in a sentence."""
    words = [f"{int(v):06x}" if colours else f"{v:g}" for v in values[:MOST_SHOWN]]
    if len(values) > MOST_SHOWN:
        words.append(f"{len(values) - MOST_SHOWN} more")
    return ", ".join(words)

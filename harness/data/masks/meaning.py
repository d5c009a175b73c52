"""Meaning: from the values of a mask to what an example gives."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from samfit.harness.data.example import IGNORED, Kind, Mask
from samfit.harness.data.files.fault import PictureError
from samfit.harness.data.masks.distinct import mapped, packed

Told = Literal["binary", "classes", "instances", "coded", "soft"]

MOST_SHOWN = 12  # values in a sentence
LARGEST_ID = 2**24 - 1  # masks are resized as float32, which tells no larger ids apart


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """What the values of all masks of a data set mean.

    Attributes:
        told: what they are, in a word.
        classes: 1, or the number of class indices.
        table: values and their classes; empty if values are class indices, ids or levels.
        others: class of all values that ``table`` does not name; None if there must be none.
        threshold: of levels: what is above it is the object.
        ignored: values of pixels that nobody labelled; they are no object's if masks show ids.
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

    @property
    def is_nonzero(self) -> bool:
        """Whether what is not 0 is the object, and nothing else is said of values."""
        told = {label for value, label in self.table if value}
        return self.told == "binary" and told == {1} and (0, 0) in self.table

    def apply(self, values: NDArray[Any]) -> Mask:
        """The mask of values (H, W), or of colours (H, W, 3), as ``Example`` says.

        Raises:
            PictureError: for a value that has no meaning.
        """
        if values.ndim == 3:
            if not self.colours:
                raise PictureError("is in colours, which other masks are not: save it as they are")
            values = packed(values)
        elif self.colours:
            values = values.astype(np.int64) * 0x010101
        mask = mapped(values, self._of)
        return mask[None] if self.told == "instances" else mask

    def _of(self, values: NDArray[Any]) -> NDArray[Any]:
        """What different values (n,) mean."""
        if not np.isfinite(values).all():
            raise PictureError("holds values that are no numbers (NaN or infinite): replace them")
        if self.threshold is not None:
            return (values > self.threshold).astype(np.uint8)
        ignored = np.isin(values, self.ignored)
        if self.told == "instances":
            _check_whole(values[~ignored])
            return np.where(ignored, 0, _ids(values, ignored)).astype(np.int32)
        labels = self._by_table(values, ignored) if self.table else self._indices(values, ignored)
        return np.where(ignored, IGNORED, labels).astype(np.uint8)

    def _by_table(self, values: NDArray[Any], ignored: NDArray[np.bool_]) -> NDArray[Any]:
        table = dict(self.table)
        found = [table.get(value, self.others) for value in values.tolist()]
        unknown = [
            value
            for value, label, no in zip(values.tolist(), found, ignored, strict=True)
            if label is None and not no
        ]
        if unknown:
            raise PictureError(
                f"holds {shown(unknown, self.colours)}, which no class is given for: "
                "add it to --classes, or to --ignore"
            )
        return np.array([IGNORED if label is None else label for label in found])

    def _indices(self, values: NDArray[Any], ignored: NDArray[np.bool_]) -> NDArray[Any]:
        _check_whole(values[~ignored])
        wrong = values[((values < 0) | (values >= self.classes)) & ~ignored]
        if wrong.size:
            raise PictureError(
                f"holds the class {wrong.max():g}, but with {self.classes} classes a mask holds 0 "
                f"to {self.classes - 1}: correct the mask or --classes"
            )
        return values


def _check_whole(values: NDArray[Any]) -> None:
    if (wrong := values[values % 1 != 0]).size:
        raise PictureError(f"holds {shown(wrong.tolist())}, not whole numbers as other masks")


def _ids(values: NDArray[Any], ignored: NDArray[np.bool_]) -> NDArray[Any]:
    if (values[~ignored] < 0).any():
        raise PictureError("holds ids below 0: give --ignore for what is no object")
    if values.max() > LARGEST_ID:  # counted anew
        return np.cumsum((values != 0) & ~ignored)
    return values


def shown(values: Sequence[float], colours: bool = False) -> str:
    """Values in a sentence."""
    words = [
        f"{int(v):06x}" if colours else f"{int(v)}" if v % 1 == 0 else f"{v:g}"
        for v in values[:MOST_SHOWN]
    ]
    if len(values) > MOST_SHOWN:
        words.append(f"{len(values) - MOST_SHOWN} more")
    return ", ".join(words)

"""What a training run trains, in words that a file can keep."""

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path

from samfit.harness.data.dataset import DataSet, Origin
from samfit.harness.data.example import Kind
from samfit.harness.data.files.intensity import Intensity
from samfit.harness.data.reading import AS_FOUND, Reading
from samfit.harness.record.cell import Cell
from samfit.harness.record.recipe import Recipe
from samfit.typed import Count, Typed

# What other data of the same kind most likely has in common with that of the training.
OF_VALUES = ("masks", "classes", "ignore", "foreground", "channels")


@dataclass(frozen=True, kw_only=True)
class Images(Origin, Typed):
    """Which images training and validation use; an empty path if they were made in Python.

    Attributes:
        kind: of their masks.
        intensity: range and channels of their values; None if they were made in Python.
        hold_out: the share of the training images that is for validation if no others are.
        name, class_names: of the data set.
        train_images, val_images: how many.
        names_sha256: hash of their names in order.
    """

    kind: Kind
    intensity: Intensity | None
    hold_out: float
    name: str
    class_names: list[str]
    train_images: Count
    val_images: Count
    names_sha256: str

    def reading_like(self, given: Reading, classes: int) -> Reading:
        """How other data is read for the model: as ``given``, else as its own was.

        Args:
            given: what is said of the other data.
            classes: of the model.
        """
        kept = {name: getattr(self.reading, name) for name in OF_VALUES}
        if classes > 1 and not kept["classes"]:
            kept["classes"] = str(classes)
        if self.kind == "instances":
            kept["masks"] = "instances"
        said = {name for name in OF_VALUES if getattr(given, name) != getattr(AS_FOUND, name)}
        return replace(given, **{name: kept[name] for name in OF_VALUES if name not in said})


@dataclass(frozen=True, kw_only=True)
class Description(Typed):
    """What a run trains: two runs with equal descriptions give equal weights.

    Attributes:
        cell, recipe: as given.
        data: which images, and how they were opened.
        pretrained: file of the adapter's own pretrained part, or None.
    """

    cell: Cell
    recipe: Recipe
    data: Images
    pretrained: str | None = None

    @classmethod
    def of(
        cls,
        cell: Cell,
        recipe: Recipe,
        data: DataSet,
        hold_out: float,
        pretrained: Path | str | None = None,
    ) -> "Description":
        """The description of a run on ``data``, where ``hold_out`` was the share for validation."""
        names = [example.name for example in data.train + data.val]
        images = Images(
            **vars(data.origin or Origin(path="")),
            kind=data.kind,
            intensity=data.intensity,
            hold_out=hold_out,
            name=data.name,
            class_names=list(data.class_names),
            train_images=len(data.train),
            val_images=len(data.val),
            names_sha256=hashlib.sha256(json.dumps(names).encode()).hexdigest()[:16],
        )
        part = None if pretrained is None else str(pretrained)
        return cls(cell=cell, recipe=recipe, data=images, pretrained=part)

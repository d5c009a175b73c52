"""What a training run trains, in words that a file can keep."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from samfit.adapters.core.registry import parse_method_settings
from samfit.harness.data.dataset import DataSet
from samfit.harness.record.cell import Cell
from samfit.harness.record.recipe import Recipe
from samfit.typed import Count, Typed


@dataclass(frozen=True, kw_only=True)
class Origin(Typed):
    """How the images were opened: what the options said."""

    path: str
    layout: str
    classes: Count
    hold_out: float


@dataclass(frozen=True, kw_only=True)
class Images(Origin):
    """Which images those are that training and validation use.

    ``names_sha256`` is the hash of their names in order.
    """

    name: str
    class_names: list[str]
    train_images: Count
    val_images: Count
    names_sha256: str


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

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON values."""
        return asdict(self)

    @classmethod
    def of(
        cls,
        cell: Cell,
        recipe: Recipe,
        data: DataSet,
        origin: Origin,
        pretrained: Path | None,
    ) -> "Description":
        """The description of a run on ``data``, which was opened as ``origin`` says."""
        names = [example.name for example in data.train + data.val]
        found = Images(
            **asdict(origin),
            name=data.name,
            class_names=list(data.class_names),
            train_images=len(data.train),
            val_images=len(data.val),
            names_sha256=hashlib.sha256(json.dumps(names).encode()).hexdigest()[:16],
        )
        return cls(
            cell=cell,
            recipe=recipe,
            data=found,
            pretrained=None if pretrained is None else str(pretrained),
        )

    @property
    def classes(self) -> int:
        """As in ``DataSet``."""
        return int(self.cell.settings.get("classes", 1))

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Description":
        """The description that ``to_json`` gave.

        Raises:
            UserError: for a value that cannot be right, or a setting that the adapter has not.
        """
        found = super().from_json(document)
        parse_method_settings(found.cell.adapter, found.cell.settings)
        return found

"""The ladder: what a method can do to need less memory, rung by rung."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any

import torch

from samfit.adapters.core.adapted import attach
from samfit.adapters.core.registry import adapter_class
from samfit.adapters.core.settings import lean_settings
from samfit.adapters.sam.build import build_sam
from samfit.harness.record.cell import Cell


@dataclass(frozen=True)
class Rung:
    """One lever, pulled.

    Attributes:
        name: the lever's option, without dashes.
        fields: what it sets in a Cell.
        exact: whether the method computes what it computed before, but for rounding in float32.
    """

    name: str
    fields: dict[str, Any] = field(default_factory=dict)
    exact: bool = True

    def pull(self, cell: Cell) -> Cell:
        """``cell`` with this lever pulled, too; settings are added to those it has."""
        settings = {**cell.settings, **self.fields.get("settings", {})}
        return replace(cell, **{**self.fields, "settings": settings})


# In the order in which to try them. Those that change nothing but memory and time come first, and
# among them those that cost no time: attention without N x N matrices, one kernel for the optimizer
# and encoding image by image do the same work, computing activations again repeats a forward pass.
# Then bfloat16, which is faster but rounds, and cached embeddings, which spare the encoder but
# allow no augmentation. Gradient accumulation is no rung: it makes a batch of smaller ones.
LEVERS = (
    Rung("attention", {"attention": "sdpa"}),
    Rung("optimizer", {"optimizer": "adamw_fused"}),
    Rung("encoder-micro-batch", {"encoder_micro_batch": 1}),
    Rung("checkpointing", {"checkpointing": True}),
    Rung("precision", {"precision": "bf16"}, exact=False),
    Rung("cache-embeddings", {"cache_embeddings": True, "encoder_micro_batch": 0}, exact=False),
)
OF_EVERY_METHOD = {"optimizer", "precision"}


def ladder(cell: Cell) -> list[Rung]:
    """The rungs that the method of ``cell`` can climb, its own lean form first.

    Raises:
        UserError: for an unknown adapter or setting.
    """
    lean = lean_settings(adapter_class(cell.adapter).Settings)
    own = [Rung(f"set {name}=true", {"settings": {name: True}}) for name in lean]
    with torch.device("meta"):
        model = attach(build_sam("vit_tiny"), cell.adapter, **cell.settings)
    usable = OF_EVERY_METHOD.union(model.adapter.levers())
    return own + [rung for rung in LEVERS if rung.name in usable]


def pull_all(cell: Cell, rungs: Iterable[Rung]) -> Cell:
    """``cell`` with each of ``rungs`` pulled, in their order."""
    return reduce(lambda pulled, rung: rung.pull(pulled), rungs, cell)


def with_every_exact_lever(cell: Cell) -> Cell:
    """``cell`` with all that its method can do without changing what it computes."""
    return pull_all(cell, (rung for rung in ladder(cell) if rung.exact))

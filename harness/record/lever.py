"""Levers: options of a Cell that save memory without changing the method. Needs no torch.

This is the only list of them. What ``fit`` tries, what a method is checked against, how reports
group Cells, what validation runs and the table in docs/levers.md are derived from it.
"""

import json
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

from samfit.harness.record.cell import Cell, defaults_of
from samfit.typed import option_name


@dataclass(frozen=True)
class Lever:
    """One option, and what its use means.

    Attributes:
        name: the option without dashes; ``Adapter.levers`` calls it so, too.
        fields: what it sets in a Cell, the field of the option first.
        time: what a step then takes, in words.
        loses: what it costs beside time, in words; empty for an exact lever, with which a method
            computes what it computed, but for rounding in float32.
        users: the methods that can use it, in words.
        stage: how tables call what it adds to the exact levers; for those that are not exact.
        of_every_method: whether all can; else ``Adapter.levers`` says whether a method can.
        tried: whether ``fit``, sweeps and reports use it; the others are left to the user.
        training_only: whether it does nothing for a forward pass.
    """

    name: str
    fields: dict[str, Any]
    time: str
    loses: str = ""
    users: str = "all"
    stage: str = ""
    of_every_method: bool = False
    tried: bool = True
    training_only: bool = False

    @property
    def field(self) -> str:
        """The Cell's field of the option."""
        return next(iter(self.fields))

    @property
    def exact(self) -> bool:
        """Whether only memory and time change."""
        return not self.loses

    def apply(self, cell: Cell) -> Cell:
        """``cell`` with this lever, too; settings are added to those it has."""
        settings = {**cell.settings, **self.fields.get("settings", {})}
        return replace(cell, **{**self.fields, "settings": settings})


SAME = "about the same"

# In the order in which to try them. Those that change nothing but memory and time come first, and
# among them those that cost no time.
LEVERS = (
    Lever("attention", {"attention": "sdpa"}, "less"),
    Lever("optimizer", {"optimizer": "adamw_fused"}, "less", of_every_method=True,
          training_only=True),
    Lever("encoder-micro-batch", {"encoder_micro_batch": 1}, SAME, users="parallel methods"),
    Lever("checkpointing", {"checkpointing": True}, "one more forward pass",
          users="all but shallow VPT", training_only=True),
    Lever("gradient-accumulation", {"gradient_accumulation": 2}, SAME,
          users="methods without batch norm", tried=False, training_only=True),
    Lever("precision", {"precision": "bf16"}, "less", "precision", stage="bf16",
          of_every_method=True),
    Lever("precision", {"precision": "fp16"}, "less",
          "precision, and steps whose gradients overflow", of_every_method=True, tried=False),
    Lever("precision", {"precision": "bf16-pure"}, "less",
          "precision, also of trained weights and the optimizer's state", of_every_method=True,
          tried=False),
    Lever("cache-embeddings", {"cache_embeddings": True, "encoder_micro_batch": 0},
          "less: no encoder", "augmentation of images", stage="cached embeddings",
          users="parallel methods that read no block: CAD, SAM-LST, decoder only"),
    Lever("optimizer", {"optimizer": "adamw_8bit"}, SAME, "precision of the optimizer's state",
          of_every_method=True, tried=False, training_only=True),
    Lever("alloc-conf", {"alloc_conf": "expandable_segments:True"}, SAME, of_every_method=True,
          tried=False),
)  # fmt: skip
LEVER_FIELDS = tuple(dict.fromkeys(name for lever in LEVERS for name in lever.fields))


def lever_of_setting(name: str) -> Lever:
    """The lever of a method's own switch that changes how it computes, but not what."""
    users = "methods with such a setting: CAD"
    return Lever(f"set {name}=true", {"settings": {name: True}}, "less", users=users)


def apply_levers(cell: Cell, levers: Iterable[Lever]) -> Cell:
    """``cell`` with each of ``levers``, in their order."""
    return reduce(lambda changed, lever: lever.apply(changed), levers, cell)


def apply_exact(cell: Cell, levers: Iterable[Lever]) -> Cell:
    """``cell`` with those of ``levers`` that change nothing but memory and time."""
    return apply_levers(cell, (lever for lever in levers if lever.exact))


def changed_fields(cell: Cell) -> dict[str, Any]:
    """The fields of levers that are not at their default, with their values."""
    defaults = defaults_of(cell.backbone)
    values = {name: getattr(cell, name) for name in LEVER_FIELDS}
    return {name: value for name, value in values.items() if value != defaults[name]}


def as_options(settings: Mapping[str, Any], fields: Mapping[str, Any]) -> str:
    """Settings and fields of a Cell, as they are typed on a command line."""
    words: list[str] = []
    for name, value in settings.items():
        words += ["--set", f"{name}={value if isinstance(value, str) else json.dumps(value)}"]
    for name, value in fields.items():
        words.append(option_name(name))
        if value is not True:
            words.append(str(value))
    return shlex.join(words)


def levers_to_try(cell: Cell) -> list[Lever]:
    """What ``cell`` leaves open: no lever whose fields it sets itself, nor one without effect."""
    changed = changed_fields(cell)
    taken = {name for lever in LEVERS if lever.field in changed for name in lever.fields}
    return [
        lever
        for lever in LEVERS
        if lever.tried
        and taken.isdisjoint(lever.fields)
        and not (lever.training_only and cell.phase == "infer")
    ]


def has_exact_levers_only(cell: Cell) -> bool:
    """Whether each lever of ``cell``, if it has any, is an exact one of those that are tried.

    Where a lever is a number, any number will do.
    """
    tried = [lever.fields for lever in LEVERS if lever.exact and lever.tried]
    exact = {name: value for fields in tried for name, value in fields.items()}
    return all(
        name in exact and (value == exact[name] or not isinstance(value, str))
        for name, value in changed_fields(cell).items()
    )

"""Finds families and backbones by name: the files of ``families``. Needs no torch."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from functools import cache
from typing import TYPE_CHECKING

from samfit.adapters.sam import families
from samfit.adapters.sam.backbone import Backbone
from samfit.adapters.sam.sizes import Sizes
from samfit.errors import UserError, spelling_hint

if TYPE_CHECKING:
    from torch import nn

FIRST = "segment_anything"  # of the families, wherever they are listed


@cache
def known_families() -> list[type[Backbone]]:
    """Every family, Meta's segment-anything first."""
    names = sorted(module.name for module in pkgutil.iter_modules(families.__path__))
    names.sort(key=lambda name: name != FIRST)
    return [
        member
        for name in names
        for _, member in inspect.getmembers(_module(name), inspect.isclass)
        if issubclass(member, Backbone)
        and member.__module__ == f"{families.__name__}.{name}"
        and not inspect.isabstract(member)
    ]


def backbone_names() -> list[str]:
    """All backbones, family by family."""
    return [name for family in known_families() for name in family.sizes]


def family_of(name: str) -> type[Backbone]:
    """The family of the backbone ``name``.

    Raises:
        UserError: if there is no such backbone; it suggests the nearest.
    """
    for family in known_families():
        if name in family.sizes:
            return family
    if name == "vit_t":
        raise UserError(
            "there is no backbone 'vit_t', MobileSAM's: it is mobile_sam here, and samfit's "
            "miniature is vit_tiny."
        )
    raise UserError(f"there is no backbone {name!r}: {spelling_hint(name, backbone_names())}")


def backbone_sizes(name: str) -> Sizes:
    """The sizes of the backbone ``name``.

    Raises:
        UserError: if there is no such backbone; it suggests the nearest.
    """
    return family_of(name).sizes[name]


def view(model: nn.Module) -> Backbone:
    """``model``, a SAM of any family, as adapters see it.

    Raises:
        UserError: if it is of no family that is known.
    """
    for family in known_families():
        if family.is_view_of(model):
            return family(model)
    kinds = ", ".join(dict.fromkeys(family.model_class for family in known_families()))
    raise UserError(f"{type(model).__name__} is no SAM that samfit knows: give one of {kinds}.")


def _module(name: str) -> object:
    return importlib.import_module(f"{families.__name__}.{name}")

"""What there is: every adapter with its sizes on every backbone."""

from collections.abc import Sequence
from typing import Any

import torch

from samfit.adapters.core.adapted import AdaptedSam, attach
from samfit.adapters.core.base import Adapter
from samfit.adapters.core.registry import (
    adapter_class,
    adapter_names,
    all_peft_names,
    broken_adapters,
)
from samfit.adapters.sam.build import build_sam
from samfit.adapters.sam.families.segment_anything import VITS
from samfit.errors import UserError
from samfit.harness.step.levers import levers_of


def catalogue(peft: bool = False, backbones: Sequence[str] = ()) -> list[dict[str, Any]]:
    """List the adapters that can be used. Needs no GPU.

    Those of other packages that cannot be loaded are left out.

    Args:
        peft: list the methods of Hugging Face PEFT instead; this takes a minute.
        backbones: on which. Default: segment-anything's and the miniature; ViT-B for PEFT's.

    Returns:
        One entry an adapter, as JSON values: ``name``, ``title``, ``source``, ``serial``,
        ``starts_as_identity``, ``mergeable``, ``trains`` (in words), ``levers`` (that not every
        method has), ``params``, the counts for each backbone, from building it without data, and
        ``unsupported``, for each backbone that it does not work with the reason.

    Raises:
        UserError: for an unknown backbone, or one whose library is not installed.
    """
    names = all_peft_names() if peft else adapter_names()
    broken = broken_adapters()
    with torch.device("meta"):
        sams = {name: build_sam(name) for name in backbones or (["vit_b"] if peft else VITS)}
        return [_entry(name, sams) for name in names if name not in broken]


def _entry(name: str, sams: dict[str, Any]) -> dict[str, Any]:
    method, params, unsupported = adapter_class(name), {}, {}
    adapter: Adapter | type[Adapter] = method
    trains: list[str] = []
    levers: tuple[str, ...] = ()
    for backbone, sam in sams.items():
        try:
            model = attach(sam, name)
        except UserError as error:
            unsupported[backbone] = str(error)
            continue
        params[backbone] = model.parameter_counts()
        trains, adapter, levers = trained_parts(model), model.adapter, levers_of(model)
        model.detach()
    return {
        "name": name,
        "title": method.title,
        "source": method.source,
        "serial": method.encoder_gradients,
        "starts_as_identity": adapter.starts_as_identity,
        "mergeable": adapter.mergeable,
        "trains": trains,
        "levers": list(levers),
        "params": params,
        "unsupported": unsupported,
    }


def trained_parts(model: AdaptedSam) -> list[str]:
    """What is trained, in words: the adapter's own parameters and parts of SAM."""
    trained = model.trainable()
    parts = ["own parameters"] if any(name.startswith("adapter.") for name in trained) else []
    for part, module in model.sam.named_children():
        names = {f"sam.{part}.{name}" for name, _ in module.named_parameters()}
        if names <= trained.keys():
            parts.append(part)
        elif names & trained.keys():
            parts.append(f"part of {part}")
    return [part.replace("_", " ") for part in parts]

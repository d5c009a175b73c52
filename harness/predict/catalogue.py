"""What there is: every adapter with its sizes on every backbone."""

from typing import Any

import torch

from samfit.adapters.core.adapted import AdaptedSam, attach
from samfit.adapters.core.base import Adapter
from samfit.adapters.core.registry import adapter_class, adapter_names, broken_adapters, peft_names
from samfit.adapters.sam.build import build_sam
from samfit.adapters.sam.families.segment_anything import VITS
from samfit.errors import UserError


def catalogue(peft: bool = False) -> list[dict[str, Any]]:
    """List the adapters that can be used. Needs no GPU.

    Those of other packages that cannot be loaded are left out.

    Args:
        peft: list the methods of Hugging Face PEFT instead, on ViT-B; this takes a minute.

    Returns:
        One entry an adapter, as JSON values: ``name``, ``title``, ``source``, ``serial``,
        ``starts_as_identity``, ``mergeable``, ``trains`` (in words), ``levers`` (that not every
        method has) and ``params``, the counts for each backbone, from building it without data.
    """
    with torch.device("meta"):
        if peft:
            return [_entry(name, {"vit_b": build_sam("vit_b")}) for name in _names_of_peft()]
        sams = {backbone: build_sam(backbone) for backbone in VITS}
        broken = broken_adapters()
        return [_entry(name, sams) for name in adapter_names() if name not in broken]


def _names_of_peft() -> list[str]:
    names = peft_names()
    if not names:
        raise UserError("there are no methods of PEFT without PEFT: pip install 'samfit[hf]'.")
    return names


def _entry(name: str, sams: dict[str, Any]) -> dict[str, Any]:
    method, params = adapter_class(name), {}
    trains: list[str] = []
    adapter: Adapter | None = None
    for backbone, sam in sams.items():
        model = attach(sam, name)
        params[backbone] = model.parameter_counts()
        trains, adapter = trained_parts(model), model.adapter
        model.detach()
    assert adapter is not None
    return {
        "name": name,
        "title": method.title,
        "source": method.source,
        "serial": method.encoder_gradients,
        "starts_as_identity": adapter.starts_as_identity,
        "mergeable": adapter.mergeable,
        "trains": trains,
        "levers": list(adapter.levers()),
        "params": params,
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

"""What there is: every adapter with its sizes on every backbone."""

from typing import Any

import torch

from samfit.adapters.core.adapted import AdaptedSam, attach
from samfit.adapters.core.registry import adapter_class, adapter_names, broken_adapters
from samfit.adapters.sam.build import build_sam
from samfit.adapters.sam.families.segment_anything import VITS


def catalogue() -> list[dict[str, Any]]:
    """List the adapters that can be used. Needs no GPU.

    Those of other packages that cannot be loaded are left out.

    Returns:
        One entry an adapter, as JSON values: ``name``, ``title``, ``source``, ``serial``,
        ``starts_as_identity``, ``mergeable``, ``trains`` (in words), ``levers`` (that not every
        method has) and ``params``, the counts for each backbone, from building it without data.
    """
    with torch.device("meta"):
        sams = {backbone: build_sam(backbone) for backbone in VITS}
        broken = broken_adapters()
        return [_entry(name, sams) for name in adapter_names() if name not in broken]


def _entry(name: str, sams: dict[str, Any]) -> dict[str, Any]:
    method, params = adapter_class(name), {}
    trains: list[str] = []
    levers: tuple[str, ...] = ()
    for backbone, sam in sams.items():
        model = attach(sam, name)
        params[backbone] = model.parameter_counts()
        trains, levers = trained_parts(model), model.adapter.levers()
        model.detach()
    return {
        "name": name,
        "title": method.title,
        "source": method.source,
        "serial": method.encoder_gradients,
        "starts_as_identity": method.starts_as_identity,
        "mergeable": method.mergeable,
        "trains": trains,
        "levers": list(levers),
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

"""A trained model as other libraries take it: plain SAM, or a LoRA in PEFT's format."""

from collections import defaultdict
from typing import Any

import torch
from torch import Tensor

from samfit.adapters.core.adapted import AdaptedSam
from samfit.adapters.core.base import LowRank
from samfit.adapters.sam.checkpoint.names import TIED, to_hugging_face
from samfit.errors import UserError


def plain_sam(model: AdaptedSam) -> Any:
    """SAM with the adapter folded into its weights: its own classes give the same masks.

    Raises:
        UserError: if the method cannot be merged, or the mask decoder is another than SAM's.
    """
    _check_decoder(model)
    return model.merge()


def in_peft_format(model: AdaptedSam) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """A LoRA as PEFT saves it for Hugging Face's ``SamModel``: its configuration and its tensors.

    PEFT knows one update for the fused projection of q, k and v. Updates B_q A_q of q and B_v A_v
    of v, each of rank r, are one of rank 2r: A holds A_q above A_v, and B has B_q in the rows of q,
    B_v in those of v, and zeros elsewhere. A scale is multiplied into B, so that PEFT's own, alpha
    divided by the rank, is 1. What is trained in SAM itself is saved whole: the mask decoder, and
    the prompt encoder or its "no mask" embedding if they were trained.

    Raises:
        UserError: if the method is not a sum of low-rank updates, or the mask decoder is another
            than SAM's.
    """
    _check_decoder(model)
    names = {id(module): name for name, module in model.sam.named_modules()}
    updates: dict[str, list[LowRank]] = defaultdict(list)
    for update in model.adapter.low_rank_updates(model.backbone):
        updates[to_hugging_face(f"{names[id(update.layer)]}.").rstrip(".")].append(update)
    tensors, ranks = {}, {}
    for layer, parts in updates.items():
        down, up = _joined(parts)
        tensors[f"base_model.model.{layer}.lora_A.weight"] = down
        tensors[f"base_model.model.{layer}.lora_B.weight"] = up
        ranks[layer] = len(down)
    trained = _trained_parts(model)
    for name, tensor in model.sam.state_dict().items():
        theirs = to_hugging_face(name)
        if any(f".{part}." in f".{theirs}" for part in trained):
            tensors[f"base_model.model.{theirs}"] = tensor.detach()
    if "prompt_encoder" in trained:
        places = model.sam.prompt_encoder.pe_layer.positional_encoding_gaussian_matrix
        tensors[f"base_model.model.{TIED}"] = places.clone()
    return _config(ranks, trained), tensors


def _check_decoder(model: AdaptedSam) -> None:
    settings = model.adapter.settings
    if settings.classes > 1:
        what = f"gives a mask for each of {settings.classes} classes"
    elif settings.decoder != "stock":
        what = "has one mask token in place of SAM's four (decoder=single_token)"
    else:
        return
    raise UserError(
        f"this model {what}, which SAM's own mask decoder cannot: use it with samfit segment, or "
        "train with the stock decoder and one class."
    )


def _joined(parts: list[LowRank]) -> tuple[Tensor, Tensor]:
    """A (R, D) and B (E, R) of one layer's updates together, R the sum of their ranks."""
    down = torch.cat([part.down for part in parts])
    up = down.new_zeros(parts[0].layer.out_features, len(down))
    first = 0
    for part in parts:
        after = first + len(part.down)
        part.rows.add(up[:, first:after].T, part.up.T)
        first = after
    return down.detach(), up.detach()


def _trained_parts(model: AdaptedSam) -> list[str]:
    """Modules of ``SamModel`` that are saved whole, since they are trained."""
    settings = model.adapter.settings
    if settings.train_prompt_encoder:
        return ["mask_decoder", "prompt_encoder"]
    return ["mask_decoder", *(["no_mask_embed"] if settings.train_no_mask_embed else [])]


def _config(ranks: dict[str, int], trained: list[str]) -> dict[str, Any]:
    """``adapter_config.json``; PEFT fills in its defaults."""
    rank = max(ranks.values())
    others = {layer: its_own for layer, its_own in ranks.items() if its_own != rank}
    return {
        "peft_type": "LORA",
        "base_model_name_or_path": None,
        "inference_mode": True,
        "r": rank,
        "lora_alpha": rank,
        "rank_pattern": others,
        "alpha_pattern": others,
        "lora_dropout": 0.0,
        "bias": "none",
        "target_modules": [*ranks],
        "modules_to_save": trained,
    }

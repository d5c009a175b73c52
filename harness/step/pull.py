"""Levers: options of a Cell that save memory without changing what a method computes."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from samfit.adapters.core.adapted import AdaptedSam
from samfit.adapters.sam.precision import (
    contexts_to_compute_again,
    hold_frozen_weights_in_bfloat16,
)
from samfit.adapters.sam.sites import override
from samfit.errors import UserError
from samfit.harness.record.cell import Cell

Decode = Callable[..., Tensor]

compute_again = partial(checkpoint, use_reentrant=False, context_fn=contexts_to_compute_again)


def pull_levers(model: AdaptedSam, cell: Cell) -> None:
    """Let ``model`` run as the levers of ``cell`` say, until its adapter is detached.

    Precision and gradient accumulation are the step's own, but for the frozen weights' type.

    Raises:
        UserError: for a lever that the adapter cannot use.
    """
    _check(model, cell)
    adapter = model.adapter
    if cell.attention == "sdpa":
        adapter.fold_attention(model.sam)
    if cell.checkpointing:  # last of all changes, so that computing again includes them
        if adapter.encoder_gradients:
            for block in model.sam.image_encoder.blocks:
                adapter.hold(override(block, "forward", partial(compute_again, block.forward)))
        adapter.hold(override(model, "decode", partial(_decode_each_again, model.decode)))
    model.encoder_micro_batch = cell.encoder_micro_batch
    if cell.cache_embeddings:
        model.without_encoder()
    if cell.precision == "bf16":
        hold_frozen_weights_in_bfloat16(model.sam)


def _decode_each_again(decode: Decode, embedding: Tensor, *prompts: Tensor | None) -> Tensor:
    """``decode``, image by image, each computed again in backward."""
    count = len(embedding)
    columns = [[None] * count if p is None else p.split(1) for p in (embedding, *prompts)]
    return torch.cat([compute_again(decode, *row) for row in zip(*columns, strict=True)])


def _check(model: AdaptedSam, cell: Cell) -> None:
    supported = model.adapter.levers()
    wanted = {
        "attention": cell.attention != "eager",
        "checkpointing": cell.checkpointing,
        "encoder-micro-batch": cell.encoder_micro_batch > 0,
        "cache-embeddings": cell.cache_embeddings,
        "gradient-accumulation": cell.gradient_accumulation > 1,
    }
    for lever, is_wanted in wanted.items():
        if is_wanted and lever not in supported:
            others = ", ".join(f"--{name}" for name in supported)
            raise UserError(f"{cell.adapter} cannot use --{lever}: it supports {others}.")
    if cell.cache_embeddings and cell.encoder_micro_batch:
        raise UserError("--cache-embeddings leaves out the encoder: drop --encoder-micro-batch.")

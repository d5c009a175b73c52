"""Levers at work: which ones a method can use, and a model that runs as they say."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from samfit.adapters.core.adapted import AdaptedSam, attach
from samfit.adapters.core.registry import adapter_class
from samfit.adapters.core.settings import lean_settings
from samfit.adapters.sam.backbone import Embedding, Need
from samfit.adapters.sam.build import build_sam
from samfit.adapters.sam.changes import override
from samfit.adapters.sam.precision import contexts_to_compute_again
from samfit.errors import UserError
from samfit.harness.record.cell import Cell
from samfit.harness.record.lever import (
    LEVERS,
    Lever,
    changed_fields,
    lever_of_setting,
    levers_to_try,
)
from samfit.harness.step.precision import store_weights

Decode = Callable[..., Tensor]

compute_again = partial(checkpoint, use_reentrant=False, context_fn=contexts_to_compute_again)


def usable_levers(cell: Cell) -> list[Lever]:
    """What ``cell`` leaves open and its method can use, its own lean form first.

    Raises:
        UserError: for an unknown adapter or setting.
    """
    lean = lean_settings(adapter_class(cell.adapter).Settings)
    own = [lever_of_setting(name) for name in lean if name not in cell.settings]
    with torch.device("meta"):
        model = attach(build_sam(cell.backbone), cell.adapter, **cell.settings)
    supported = levers_of(model)
    offered = levers_to_try(cell)
    own_attention = {"attention": model.backbone.attention}
    offered = [lever for lever in offered if lever.fields != own_attention]
    return own + [lever for lever in offered if lever.of_every_method or lever.name in supported]


def levers_of(model: AdaptedSam) -> tuple[str, ...]:
    """The levers that not every method has and that this method can use on this backbone."""
    refused = {"cache-embeddings"} if Need.EMBEDDING_ALONE in model.backbone.lacks else set()
    return tuple(name for name in model.adapter.levers() if name not in refused)


def run_with_levers(model: AdaptedSam, cell: Cell) -> None:
    """Let ``model`` run as the levers of ``cell`` say, until its adapter is detached.

    Precision and gradient accumulation are the step's own, but for the types of the weights.

    Raises:
        UserError: for a lever that the adapter cannot use.
    """
    _check(model, cell)
    store_weights(model, cell.precision)  # also those of an encoder that is about to be left out
    adapter = model.adapter
    assert cell.attention, "a Cell settles it"
    if cell.attention != model.backbone.attention:
        adapter.attend_by(model.backbone, cell.attention)
    if cell.checkpointing:  # last of all changes, so that computing again includes them
        if adapter.encoder_gradients:
            for block in (each.whole for each in model.backbone.every_block):
                adapter.hold(override(block, "forward", partial(compute_again, block.forward)))
        adapter.hold(override(model, "decode", partial(_decode_each_again, model.decode)))
    model.encoder_micro_batch = cell.encoder_micro_batch
    if cell.cache_embeddings:
        model.without_encoder()


def _decode_each_again(decode: Decode, embedding: Embedding, *prompts: Tensor | None) -> Tensor:
    """``decode``, image by image, each computed again in backward."""
    count = len(embedding.image)
    columns = [[None] * count if p is None else p.split(1) for p in prompts]
    beside = zip(*(t.split(1) for t in embedding.beside), strict=True)
    images = map(Embedding, embedding.image.split(1), beside if embedding.beside else [()] * count)
    return torch.cat([compute_again(decode, *row) for row in zip(images, *columns, strict=True)])


def _check(model: AdaptedSam, cell: Cell) -> None:
    supported, changed = levers_of(model), changed_fields(cell)
    for lever in LEVERS:
        usable = lever.of_every_method or lever.name in supported
        if lever.field in changed and not usable:
            others = ", ".join(f"--{name}" for name in supported)
            raise UserError(f"{cell.adapter} cannot use --{lever.name}: it supports {others}.")
    if cell.cache_embeddings and cell.encoder_micro_batch:
        raise UserError("--cache-embeddings leaves out the encoder: drop --encoder-micro-batch.")

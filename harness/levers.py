"""Levers: options of a Cell that save memory without changing what a method computes."""

from functools import partial

from torch.utils.checkpoint import checkpoint

from adapters.core.adapted import AdaptedSam
from adapters.core.errors import UserError
from adapters.core.sites import override
from harness.cell import Cell


def pull_levers(model: AdaptedSam, cell: Cell) -> None:
    """Let ``model`` run as the levers of ``cell`` say, until its adapter is detached.

    Raises:
        UserError: for a lever that the adapter cannot use.
    """
    _check(model, cell)
    adapter, blocks = model.adapter, model.sam.image_encoder.blocks
    if cell.attention == "sdpa":
        adapter.fold_attention(model.sam)
    if cell.checkpointing:  # last: what is computed again includes every other change
        for block in blocks:
            again = partial(checkpoint, block.forward, use_reentrant=False)
            adapter.hold(override(block, "forward", again))
    model.encoder_micro_batch = cell.encoder_micro_batch


def _check(model: AdaptedSam, cell: Cell) -> None:
    supported = model.adapter.levers()
    wanted = {
        "attention": cell.attention != "eager",
        "checkpointing": cell.checkpointing,
        "encoder-micro-batch": cell.encoder_micro_batch > 0,
    }
    for lever, is_wanted in wanted.items():
        if is_wanted and lever not in supported:
            others = ", ".join(f"--{name}" for name in supported)
            raise UserError(f"{cell.adapter} cannot use --{lever}: it supports {others}.")

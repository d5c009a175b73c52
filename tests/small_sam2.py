"""A SAM 2 that runs in milliseconds, with no parameter left at zero."""

from copy import deepcopy
from functools import cache
from typing import Any

import torch
from small_sam import SIDE

from samfit.adapters.sam.families.sam2 import HieraSizes, Sam2

# Windows of 8, 4 and 6: those of 6 are padded on grids of 8; block 3 is global. Blocks 1, 2 and 4
# pool their tokens.
SMALL = HieraSizes(
    width=8, heads=1, blocks=(1, 1, 2, 1), global_blocks=(3,), windows=(8, 4, 6, 3),
    image_size=SIDE, embedding=32, decoder_mlp=32,
)  # fmt: skip


def small_sam2(side: int = SIDE) -> Any:
    """A random ``Sam2Model`` of these sizes, the same every time."""
    return deepcopy(_built(side))


@cache
def _built(side: int) -> Any:
    from transformers import Sam2Config, Sam2Model

    torch.manual_seed(0)
    sam = Sam2Model(Sam2Config(**Sam2.config(SMALL, side)))
    table = sam.shared_image_embedding.positional_embedding
    sam.prompt_encoder.shared_embedding.positional_embedding.copy_(table)
    with torch.no_grad():
        for parameter in sam.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    return sam.eval()

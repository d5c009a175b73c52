"""Small SAMs of transformers, with the weights of ``small_sam``."""

from copy import deepcopy
from functools import cache
from typing import Any

import torch
from small_sam import SIDE, small_sam

import samfit
from samfit.adapters.sam.checkpoint.names import TIED, to_hugging_face


def small_hugging_face(backbone: str, eps: float = 1e-5) -> Any:
    """A random SAM of transformers, whose weights are those of ``small_sam`` where that has them.

    ``eps`` is that of the layer norms of its mask decoder; Meta's have 1e-5.
    """
    sam = deepcopy(_built(backbone))
    for layer in sam.mask_decoder.transformer.layers:
        for index in range(1, 5):
            getattr(layer, f"layer_norm{index}").eps = eps
    return sam


@cache
def _built(backbone: str) -> Any:
    torch.manual_seed(0)
    sam = samfit.build_sam(backbone, SIDE)
    with torch.no_grad():
        for parameter in sam.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    common = {to_hugging_face(name): t for name, t in small_sam().state_dict().items()}
    common[TIED] = common["shared_image_embedding.positional_embedding"]
    sam.load_state_dict({**sam.state_dict(), **common})
    return sam

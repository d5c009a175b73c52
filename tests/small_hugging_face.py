"""Small SAMs of transformers, with the weights of ``small_sam``."""

from pathlib import Path
from typing import Any

import torch
from small_sam import SIDE, small_sam

import samfit


def small_hugging_face(backbone: str, folder: Path, eps: float = 1e-5) -> Any:
    """A random SAM of transformers, whose weights are those of ``small_sam`` where that has them.

    ``eps`` is that of the layer norms of its mask decoder, as Meta's have it.
    """
    torch.manual_seed(0)
    sam = samfit.build_sam(backbone, SIDE)
    with torch.no_grad():
        for parameter in sam.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    path = folder / "small.pth"
    torch.save(small_sam().state_dict(), path)
    common = samfit.build_sam("hf_vit_tiny", SIDE, path).state_dict()
    sam.load_state_dict({**sam.state_dict(), **common})
    for layer in sam.mask_decoder.transformer.layers:
        for index in range(1, 5):
            getattr(layer, f"layer_norm{index}").eps = eps
    return sam

"""A SAM that runs in milliseconds, with no parameter left at zero."""

import torch
from segment_anything.modeling import Sam
from torch import Tensor

import samfit

SIDE = 128  # 8 x 8 tokens: windows of 6 are padded to 12 x 12


def small_sam(seed: int = 0) -> Sam:
    """A random ``vit_tiny``; position tables, which start at zero, are random too."""
    torch.manual_seed(seed)
    sam = samfit.build_sam("vit_tiny", SIDE)
    with torch.no_grad():
        for parameter in sam.parameters():
            parameter += 0.02 * torch.randn_like(parameter)
    return sam


def adapted(name: str, seed: int = 0, **settings: object) -> samfit.AdaptedSam:
    """``small_sam`` with an adapter, in eval mode; ``seed`` is the adapter's."""
    sam = small_sam()
    torch.manual_seed(seed)
    return samfit.attach(sam, name, **settings).eval()


def shaken(name: str, seed: int = 0, **settings: object) -> samfit.AdaptedSam:
    """``adapted``, with every parameter of the adapter moved from where it starts."""
    model = adapted(name, seed, **settings)
    with torch.no_grad():
        for parameter in model.adapter.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    return model


def small_batch(count: int = 2, prompts: int = 1) -> tuple[Tensor, Tensor]:
    """Images (B, 3, S, S) uint8 and boxes (B, P, 4)."""
    generator = torch.Generator().manual_seed(1)
    images = torch.randint(0, 256, (count, 3, SIDE, SIDE), dtype=torch.uint8, generator=generator)
    corners = torch.rand(count, prompts, 2, 2, generator=generator) * SIDE
    boxes = torch.cat([corners.amin(2), corners.amax(2)], dim=-1)
    return images, boxes

"""An encoder for the embedding cache that takes no time: the mean over patches of pixels."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from samfit.adapters.sam.backbone import Embedding

Encode = Callable[[Tensor], Tensor]


class Encoder(nn.Module):
    """Runs ``encode``; its weight does nothing."""

    def __init__(self, encode: Encode) -> None:
        super().__init__()
        self.encode = encode
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, images: Tensor) -> Tensor:
        return self.encode(images)


def pool(images: Tensor) -> Tensor:
    """Embeddings (B, 3, S/16, S/16) of images (B, 3, S, S)."""
    return F.avg_pool2d(images.float(), 16)


def sam_with(encode: Encode, side: int = 32, grid: int = 2) -> SimpleNamespace:
    """What the cache reads of a SAM whose encoder is ``encode``, with three channels."""
    return SimpleNamespace(
        image_encoder=Encoder(encode),
        image_size=side,
        embed_dim=3,
        grid=(grid, grid),
        normalisation=([0.0] * 3, [1.0] * 3),
        encode=lambda pixels, encoder: Embedding(encoder(pixels)),
        preprocess=lambda images: images,
        device=torch.device("cpu"),
    )


def pictures(count: int = 1, seed: int = 0, side: int = 32) -> Tensor:
    """Random images (B, 3, S, S) uint8."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, 3, side, side), dtype=torch.uint8, generator=generator)


def refuse(_: Tensor) -> Tensor:
    """For a cache that has all that it is asked for."""
    raise AssertionError("nothing is to be encoded")


def files(folder: Path) -> list[Path]:
    """All files below ``folder``."""
    return sorted(path for path in folder.rglob("*") if path.is_file())

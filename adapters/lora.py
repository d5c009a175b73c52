"""LoRA on the queries and values of every attention."""

import math
from dataclasses import dataclass

import torch
from segment_anything.modeling import Sam
from torch import Tensor, nn
from torch.nn import functional as F

from adapters.core.base import Adapter
from adapters.core.settings import Positive
from adapters.core.sites import Site, after


@dataclass(frozen=True, kw_only=True)
class LoraSettings:
    """Hyper-parameters of LoRA.

    Attributes:
        rank: r, the width of the low-rank update.
    """

    rank: Positive = 4


class LowRankUpdate(nn.Module):
    """x -> B A x with A (r, D) Kaiming-uniform and B (D, r) zero, no bias, no scaling."""

    def __init__(self, width: int, rank: int) -> None:
        super().__init__()
        self.A = nn.Parameter(torch.empty(rank, width))
        self.B = nn.Parameter(torch.zeros(width, rank))
        nn.init.kaiming_uniform_(self.A, a=math.sqrt(5))

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(F.linear(x, self.A), self.B)

    def product(self) -> Tensor:
        """The update as one matrix (D, D)."""
        return self.B @ self.A


class QueryValueUpdate(nn.Module):
    """The updates of one fused qkv projection (Bw, h, w, D) -> (Bw, h, w, 3D)."""

    def __init__(self, width: int, rank: int) -> None:
        super().__init__()
        self.query = LowRankUpdate(width, rank)
        self.value = LowRankUpdate(width, rank)

    def forward(self, x: Tensor, qkv: Tensor) -> Tensor:
        width = x.shape[-1]
        # In place on the fresh projection: concatenating would keep one more (.., 3D) tensor alive.
        qkv[..., :width] += self.query(x)
        qkv[..., 2 * width :] += self.value(x)
        return qkv

    def merge_into(self, weight: Tensor) -> None:
        """Add the updates to the weight (3D, D) of the projection."""
        width = weight.shape[1]
        weight[:width] += self.query.product()
        weight[2 * width :] += self.value.product()


class Lora(Adapter):
    """Low-rank updates of q and v in every block; keys stay untouched.

    q <- W_q x + B_q A_q x and v <- W_v x + B_v A_v x, for tokens x (Bw, h, w, D). Padded window
    tokens are zero, so the update is zero there. New parameters: 4rDL; with r = 4: 147,456
    (ViT-B), 393,216 (ViT-L), 655,360 (ViT-H).

    Source: Hu et al., arXiv 2106.09685; on SAM as in SAMed (arXiv 2304.13785), without its
    alpha/r scaling, class heads and prompt-encoder training.
    """

    Settings = LoraSettings
    title = "LoRA"
    source = "arXiv 2106.09685"
    encoder_gradients = True
    starts_as_identity = True
    mergeable = True

    def __init__(self, sam: Sam, settings: LoraSettings) -> None:
        super().__init__(sam, settings)
        width = sam.image_encoder.patch_embed.proj.out_channels
        self.updates = nn.ModuleList(
            QueryValueUpdate(width, settings.rank) for _ in Site.QKV.modules(sam)
        )

    def attach(self, sam: Sam) -> None:
        for qkv, update in zip(Site.QKV.modules(sam), self.updates, strict=True):
            self.hold(after(qkv, update))

    @torch.no_grad()
    def merge(self, sam: Sam) -> None:
        for qkv, update in zip(Site.QKV.modules(sam), self.updates, strict=True):
            assert isinstance(update, QueryValueUpdate)
            update.merge_into(qkv.get_parameter("weight"))

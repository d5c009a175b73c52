"""Adapter (Houlsby): a serial bottleneck after the attention and after the MLP of every block."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from samfit.adapters.core.base import Adapter, SerialSettings
from samfit.adapters.core.settings import Positive
from samfit.adapters.sam.backbone import Backbone, Block
from samfit.adapters.sam.changes import override


@dataclass(frozen=True, kw_only=True)
class HoulsbySettings(SerialSettings):
    """Hyper-parameters of Houlsby's adapter.

    Attributes:
        width: m, the width of each bottleneck; ``msa`` takes D / 4 instead, whatever this says.
        placement: ``houlsby`` has two bottlenecks a block; ``pfeiffer`` only the one after the MLP;
            ``msa`` follows Medical-SAM-Adapter: one on the attention's output inside the windows,
            one beside the MLP at half weight, both with an initialisation that changes SAM.
    """

    width: Positive = 64
    placement: Literal["houlsby", "pfeiffer", "msa"] = "houlsby"


class Bottleneck(nn.Module):
    """u -> W_u GELU(W_d u + b_d) + b_u on (..., D), with m hidden features.

    W_u and the biases start at zero, so that the sum with u starts as u.
    """

    def __init__(self, features: int, width: int) -> None:
        super().__init__()
        self.down = nn.Linear(features, width)
        self.up = nn.Linear(width, features)
        nn.init.kaiming_uniform_(self.down.weight, a=math.sqrt(5))
        for started_at_zero in (self.down.bias, self.up.weight, self.up.bias):
            nn.init.zeros_(started_at_zero)

    def forward(self, u: Tensor) -> Tensor:
        return self.up(F.gelu(self.down(u)))


class Houlsby(Adapter):
    """X' = X + A1(a) with a the attention's output, X'' = X' + A2(mlp(norm2 X')).

    A(u) = u + W_u GELU(W_d u + b_d) + b_u for tokens u (B, H, W, D). A1 acts after the windows are
    put together again: the same on every token that is kept, and cheaper. SAM's layer norms stay
    frozen. New parameters: 2L(2Dm + m + D); with m = 64: 2,379,264 (ViT-B), 6,343,680 (ViT-L),
    10,571,776 (ViT-H).

    Source: Houlsby et al., arXiv 1902.00751, transferred to SAM by us: there is no single official
    version. ``placement=msa`` is the block of Medical-SAM-Adapter (arXiv 2304.12620) but for one
    effect of its code, which cuts windows before norm1, so that padding is no longer zero.
    """

    Settings = HoulsbySettings
    title = "Adapter (Houlsby)"
    source = "arXiv 1902.00751"
    encoder_gradients = True
    starts_as_identity = True

    def __init__(self, sam: Backbone, settings: HoulsbySettings) -> None:
        super().__init__(sam, settings)
        is_msa = settings.placement == "msa"
        self.starts_as_identity = not is_msa

        def bottlenecks() -> nn.ModuleList:
            features = [block.width for block in sam.blocks]
            return nn.ModuleList(
                Bottleneck(f, f // 4 if is_msa else settings.width) for f in features
            )

        self.after_mlp = bottlenecks()
        has_both = settings.placement != "pfeiffer"
        self.after_attention = bottlenecks() if has_both else nn.ModuleList()
        if is_msa:
            for layer in (m for m in self.modules() if isinstance(m, nn.Linear)):
                layer.reset_parameters()

    def attach(self, sam: Backbone) -> None:
        for index, block in enumerate(sam.blocks):
            second = self.after_mlp[index]
            if self.settings.placement == "msa":
                first = self.after_attention[index]
                self.hold(block.change_attention(_serial(first)), block.change_mlp(_beside(second)))
                continue
            self.hold(block.change_mlp(_serial(second)))
            if self.settings.placement == "houlsby":
                forward = _block_with(block, self.after_attention[index])
                self.hold(override(block.whole, "forward", forward))


def _serial(bottleneck: nn.Module) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda _, u: u + bottleneck(u)


def _beside(bottleneck: nn.Module) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda n, y: torch.add(y, bottleneck(n), alpha=0.5)


def _block_with(block: Block, after_attention: nn.Module) -> Callable[[Tensor], Tensor]:
    """The forward pass of ``block`` with a bottleneck before the first residual sum."""

    def forward(x: Tensor) -> Tensor:
        x, attended = block.attention_branch(x)
        x = block.join(x + attended, after_attention(attended))  # x + attended may not be X' yet
        return x + block.mlp(block.norm2(x))

    return forward

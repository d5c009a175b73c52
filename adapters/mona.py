"""Mona: a bottleneck with convolutions of three sizes after each half of every block."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from samfit.adapters.core.base import Adapter, SerialSettings
from samfit.adapters.core.settings import Positive, Share
from samfit.adapters.sam.backbone import Backbone, Block
from samfit.adapters.sam.changes import override

SIDES = (3, 5, 7)  # of the convolutions


@dataclass(frozen=True, kw_only=True)
class MonaSettings(SerialSettings):
    """Hyper-parameters of Mona.

    Attributes:
        width: m, the width of each bottleneck.
        dropout: probability with which a hidden feature is dropped in training.
    """

    width: Positive = 64
    dropout: Share = 0.1


class Filters(nn.Module):
    """z -> p + W p + b, p = z + (C3 z + C5 z + C7 z) / 3, on maps (B, m, H, W).

    Ck are k x k convolutions of each channel on its own, W is m x m; all start at PyTorch's random
    values.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.depthwise = nn.ModuleList(
            nn.Conv2d(channels, channels, side, padding=side // 2, groups=channels)
            for side in SIDES
        )
        self.pointwise = nn.Conv2d(channels, channels, 1)

    def forward(self, z: Tensor) -> Tensor:
        p = z + sum(conv(z) for conv in self.depthwise) / len(SIDES)
        return p + self.pointwise(p)


class VisualAdapter(nn.Module):
    """x -> x + W_u Drop(GELU(Filters(W_d (a LN(x) + c x) + b_d))) + b_u on tokens (B, H, W, D).

    a starts at 1e-6 and c at 1 in every channel, W_d and W_u at N(0, 0.02), their biases at zero.
    """

    def __init__(self, features: int, settings: MonaSettings) -> None:
        super().__init__()
        self.dropout = settings.dropout
        self.norm = nn.LayerNorm(features)
        self.of_norm = nn.Parameter(torch.full((features,), 1e-6))
        self.of_stream = nn.Parameter(torch.ones(features))
        self.down = nn.Linear(features, settings.width)
        self.filters = Filters(settings.width)
        self.up = nn.Linear(settings.width, features)
        for layer in (self.down, self.up):
            nn.init.normal_(layer.weight, std=0.02)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        z = self.down(self.of_norm * self.norm(x) + self.of_stream * x)
        z = self.filters(z.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        return x + self.up(F.dropout(F.gelu(z), self.dropout, self.training))


class Mona(Adapter):
    """X' = M1(X + attention(norm1 X)), X'' = M2(X' + mlp(norm2 X')), in every block.

    M(x) = x + W_u Drop(GELU(Filters(W_d (a LN(x) + c x) + b_d))) + b_u, with depthwise convolutions
    over the tokens' map (B, H, W, m): after the windows are put together, so that they see across
    them. New parameters: 2L(2Dm + 5D + m^2 + 88m); with m = 64: 2,684,928 (ViT-B), 7,004,160
    (ViT-L), 11,517,952 (ViT-H).

    Source: Yin et al., arXiv 2408.08345 (first version 2311.15010), and its official code for Swin,
    transferred to SAM by us.
    """

    Settings = MonaSettings
    title = "Mona"
    source = "arXiv 2408.08345"
    encoder_gradients = True
    starts_as_identity = False

    def __init__(self, sam: Backbone, settings: MonaSettings) -> None:
        super().__init__(sam, settings)

        def adapters() -> nn.ModuleList:
            return nn.ModuleList(VisualAdapter(block.width, settings) for block in sam.blocks)

        self.after_attention, self.after_mlp = adapters(), adapters()

    def attach(self, sam: Backbone) -> None:
        for block, *both in zip(sam.blocks, self.after_attention, self.after_mlp, strict=True):
            self.hold(override(block.whole, "forward", _block_with(block, *both)))


def _block_with(
    block: Block, after_attention: nn.Module, after_mlp: nn.Module
) -> Callable[[Tensor], Tensor]:
    """The forward pass of ``block`` with an adapter after each residual sum."""

    def forward(x: Tensor) -> Tensor:
        x = after_attention(block.join(*block.attention_branch(x)))
        return after_mlp(x + block.mlp(block.norm2(x)))

    return forward

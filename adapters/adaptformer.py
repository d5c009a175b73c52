"""AdaptFormer: a scaled bottleneck in parallel with the MLP of every block."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from samfit.adapters.core.base import Adapter, SerialSettings
from samfit.adapters.core.settings import Positive, Share
from samfit.adapters.sam.backbone import Backbone, Block
from samfit.adapters.sam.changes import override


@dataclass(frozen=True, kw_only=True)
class AdaptFormerSettings(SerialSettings):
    """Hyper-parameters of AdaptFormer.

    Attributes:
        width: m, the width of the bottleneck.
        scale: s, the weight of the branch.
        learnable_scale: train the scale, from 1 on, instead of fixing it.
        dropout: probability with which a hidden feature is dropped in training.
        branch_input: ``stream`` reads the MLP's residual input X', ``norm2`` its normalised input.
        ln: ``in`` normalises the branch's input, ``out`` its output.
    """

    width: Positive = 64
    scale: float = 0.1
    learnable_scale: bool = False
    dropout: Share = 0.1
    branch_input: Literal["stream", "norm2"] = "stream"
    ln: Literal["none", "in", "out"] = "none"


class Bottleneck(nn.Module):
    """x -> s · (W_u Drop(ReLU(W_d x + b_d)) + b_u) on (..., D), with m hidden features.

    W_u and the biases start at zero, and with them the branch.
    """

    def __init__(self, features: int, settings: AdaptFormerSettings) -> None:
        super().__init__()
        self.settings = settings
        self.down = nn.Linear(features, settings.width)
        self.up = nn.Linear(settings.width, features)
        nn.init.kaiming_uniform_(self.down.weight, a=math.sqrt(5))
        for started_at_zero in (self.down.bias, self.up.weight, self.up.bias):
            nn.init.zeros_(started_at_zero)
        self.norm = nn.LayerNorm(features) if settings.ln != "none" else nn.Identity()
        self.scale: nn.Parameter | float = (
            nn.Parameter(torch.ones(1)) if settings.learnable_scale else settings.scale
        )

    def forward(self, x: Tensor, mixing: Tensor | None = None) -> Tensor:
        """The branch; ``mixing`` (m, m) is applied to the hidden features before the ReLU."""
        weight, bias = self._down(mixing)
        ln = self.settings.ln
        hidden = F.relu(F.linear(self.norm(x) if ln == "in" else x, weight, bias))
        scaled = self.scale * self.up(F.dropout(hidden, self.settings.dropout, self.training))
        return self.norm(scaled) if ln == "out" else scaled

    def _down(self, mixing: Tensor | None) -> tuple[Tensor, Tensor]:
        """W_d and b_d, with ``mixing`` folded into them: no tensor of tokens is made for it."""
        if mixing is None:
            return self.down.weight, self.down.bias
        return mixing.T @ self.down.weight, self.down.bias @ mixing


class AdaptFormer(Adapter):
    """X'' = X' + mlp(norm2 X') + s · (W_u Drop(ReLU(W_d X' + b_d)) + b_u), in every block.

    The branch reads the residual stream X' (B, H, W, D) itself, not its normalised copy. New
    parameters: L(2Dm + m + D); with m = 64: 1,189,632 (ViT-B), 3,171,840 (ViT-L), 5,285,888
    (ViT-H).

    Source: Chen et al., arXiv 2205.13535, and its official code. SAM-COBOT's baseline of the same
    name is ``branch_input=norm2``, ``ln=in``, ``scale=1`` with ``width`` 8 or 16.
    """

    Settings = AdaptFormerSettings
    title = "AdaptFormer"
    source = "arXiv 2205.13535"
    encoder_gradients = True
    starts_as_identity = True

    def __init__(self, sam: Backbone, settings: AdaptFormerSettings) -> None:
        super().__init__(sam, settings)
        self.branches = nn.ModuleList(Bottleneck(block.width, settings) for block in sam.blocks)

    def attach(self, sam: Backbone) -> None:
        reads_stream = self.settings.branch_input == "stream"
        for block, branch in zip(sam.blocks, self.branches, strict=True):
            self.hold(override(block.whole, "forward", _block_with(block, branch, reads_stream)))


def _block_with(block: Block, branch: nn.Module, reads_stream: bool) -> Callable[[Tensor], Tensor]:
    """The forward pass of ``block`` with a branch beside its MLP."""

    def forward(x: Tensor) -> Tensor:
        x = block.join(*block.attention_branch(x))
        normed = block.norm2(x)
        return x + block.mlp(normed) + branch(x if reads_stream else normed)

    return forward

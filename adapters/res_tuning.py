"""Res-Tuning-Bypass: residual bottlenecks beside the frozen encoder, in the place of its blocks."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from samfit.adapters.core.base import Adapter, Settings
from samfit.adapters.core.settings import Positive
from samfit.adapters.sam.backbone import Backbone, Need
from samfit.adapters.sam.changes import after, before


@dataclass(frozen=True, kw_only=True)
class ResTuningSettings(Settings):
    """Hyper-parameters of Res-Tuning-Bypass.

    Attributes:
        width: m, the width of each tuner.
    """

    width: Positive = 32


class Tuner(nn.Module):
    """x -> x + W_u GELU(W_d x + b_d) + b_u on (..., D), with m hidden features.

    The weights start Xavier-uniform, the biases at N(0, 1e-6).
    """

    def __init__(self, features: int, width: int) -> None:
        super().__init__()
        self.down = nn.Linear(features, width)
        self.up = nn.Linear(width, features)
        for layer in (self.down, self.up):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.normal_(layer.bias, std=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.up(F.gelu(self.down(x)))


class ResTuning(Adapter):
    """E' = neck(Y_L), Y_0 = X_0, Y_i = T_i(X_i) + T'_i(Y_{i-1}), with tuners T(x) = x + W_u GELU(
    W_d x + b_d) + b_u.

    X_0 (B, H, W, D) are the tokens that enter the first block, X_i those that leave block i. The
    frozen neck takes Y_L in the place of X_L. Nothing is back-propagated through the blocks, but
    their L + 1 token maps are kept for the gradients of the tuners, and as many of Y. New
    parameters: 2L(2Dm + m + D); with m = 32: 1,198,848 (ViT-B), 3,196,416 (ViT-L), 5,326,848
    (ViT-H).

    Source: Jiang et al., arXiv 2310.19859, transferred to SAM by us, as its authors' code has it
    (ResTuning in ModelScope's SWIFT). In the paper's equation a learned weight mixes the two
    tuners; that code adds them.
    """

    Settings = ResTuningSettings
    title = "Res-Tuning-Bypass"
    source = "arXiv 2310.19859"
    encoder_gradients = False
    starts_as_identity = False
    reads_blocks = True

    def __init__(self, sam: Backbone, settings: ResTuningSettings) -> None:
        super().__init__(sam, settings)

        def tuners() -> nn.ModuleList:
            return nn.ModuleList(Tuner(block.width, settings.width) for block in sam.blocks)

        self.lateral, self.vertical = tuners(), tuners()
        self._neck: list[nn.Module] = []
        # X_0 to X_L of the running forward pass, in parts if it comes in parts.
        self._tokens: list[list[Tensor]] = []
        self.begin()

    @classmethod
    def needs(cls, settings: ResTuningSettings) -> Iterator[Need]:
        yield from super().needs(settings)
        yield Need.ONE_GRID

    def attach(self, sam: Backbone) -> None:
        self._neck = sam.neck
        blocks = [block.whole for block in sam.blocks]
        self.hold(before(blocks[0], self._first))
        self.hold(*(after(block, self._keeping(i + 1)) for i, block in enumerate(blocks)))

    def begin(self) -> None:
        self._tokens = [[] for _ in range(len(self.lateral) + 1)]

    def correct(self, embedding: Tensor, images: Tensor) -> Tensor:
        first, *left = (torch.cat(x) if len(x) > 1 else x[0] for x in self._tokens)
        self.begin()  # they are not needed any more
        y = first
        for x, lateral, vertical in zip(left, self.lateral, self.vertical, strict=True):
            y = lateral(x) + vertical(y)
        y = y.permute(0, 3, 1, 2)
        for operation in self._neck:
            y = operation(y)
        return y

    def _first(self, x: Tensor) -> Tensor:
        self._tokens[0].append(x)
        return x

    def _keeping(self, index: int) -> Callable[[Tensor, Tensor], Tensor]:
        def keep(_: Tensor, y: Tensor) -> Tensor:
            self._tokens[index].append(y)
            return y

        return keep

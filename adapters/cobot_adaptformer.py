"""SAM-COBOT on AdaptFormer: bottlenecks whose channels are related across blocks and mixed."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

from samfit.adapters.adaptformer import AdaptFormerSettings, Bottleneck
from samfit.adapters.core.base import Adapter
from samfit.adapters.core.settings import Positive, Share
from samfit.adapters.parts.cobot import CobotSettings, Mixing, Relation
from samfit.adapters.sam.backbone import Backbone


@dataclass(frozen=True, kw_only=True)
class CobotAdaptFormerSettings(CobotSettings):
    """Hyper-parameters of SAM-COBOT on AdaptFormer.

    Attributes:
        rank: r, the width of the bottleneck.
        scale: s, the weight of the branch.
        dropout: probability with which a hidden feature is dropped in training.
    """

    rank: Positive = 16
    scale: float = 1.0
    dropout: Share = 0.1


class CobotAdaptFormer(Adapter):
    """u = W_d LN(n) + b_d; mlp(n) + s · (W_u Drop(ReLU(((R[:, i] + gamma) ⊙ u) Q)) + b_u).

    n = norm2 X' (B, H, W, D) is the MLP's input, LN a trained layer norm on top of it, R = C P
    (r x L) the relation shared by all blocks, Q (r, r) a quaternion matrix. New parameters:
    L(2Dr + r + 3D) and 2rL + L² + r²L/4 more; with r = 16: 324,048 (ViT-B), 863,424 (ViT-L),
    1,438,208 (ViT-H), of which 1,296, 2,880 and 4,096 are SAM-COBOT's own.

    Source: arXiv 2311.17112, and its official code, which fits ViT-B only; here R has L columns on
    every backbone.
    """

    Settings = CobotAdaptFormerSettings
    title = "SAM-COBOT on AdaptFormer"
    source = "arXiv 2311.17112"
    encoder_gradients = True
    starts_as_identity = True

    def __init__(self, sam: Backbone, settings: CobotAdaptFormerSettings) -> None:
        super().__init__(sam, settings)
        blocks = sam.blocks
        plain = AdaptFormerSettings(
            width=settings.rank, scale=settings.scale, dropout=settings.dropout, ln="in"
        )
        self.relation = Relation(settings.rank, len(blocks)) if settings.ibc else None
        self.branches = nn.ModuleList(Bottleneck(block.width, plain) for block in blocks)
        self.mixings = nn.ModuleList(
            Mixing(settings.rank, settings, "cobot_adaptformer") for _ in blocks
        )

    def attach(self, sam: Backbone) -> None:
        for index, block in enumerate(sam.blocks):
            self.hold(block.change_mlp(self._beside(index)))

    def _beside(self, index: int) -> Callable[[Tensor, Tensor], Tensor]:
        branch, mixing = self.branches[index], self.mixings[index]
        assert isinstance(mixing, Mixing)

        def add(n: Tensor, y: Tensor) -> Tensor:
            shared = None if self.relation is None else self.relation.column(index)
            return y + branch(n, mixing.matrix(shared))

        return add

"""LoRA on the queries and values of every attention, or on other projections."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from samfit.adapters.core.base import Adapter, LowRank, SerialSettings
from samfit.adapters.core.settings import NotNegative, Positive
from samfit.adapters.sam.backbone import Backbone, Block
from samfit.adapters.sam.changes import after
from samfit.adapters.sam.rows import Rows


@dataclass(frozen=True, kw_only=True)
class LoraSettings(SerialSettings):
    """Hyper-parameters of LoRA.

    Attributes:
        rank: r, the width of the low-rank update.
        alpha: the updates are multiplied by alpha / r; 0 leaves them as they are, as SAMed does.
        targets: what is updated: the parts q, k and v of the attention's projection, its output
            projection (proj) and the two layers of the MLP (mlp).
        fused: one update for q, k and v together, which share one A, in place of ``targets``: what
            AutoGluon calls LoRA, with rank 3 and alpha 32.
    """

    rank: Positive = 4
    alpha: NotNegative = 0
    targets: tuple[Literal["q", "k", "v", "proj", "mlp"], ...] = ("q", "v")
    fused: bool = False


class LowRankUpdate(nn.Module):
    """x (..., D) -> scale · B A x (..., E) with A (r, D) Kaiming-uniform and B (E, r) zero."""

    def __init__(self, features: int, out_features: int, rank: int, scale: float = 1) -> None:
        super().__init__()
        self.scale = scale
        self.A = nn.Parameter(torch.empty(rank, features))
        self.B = nn.Parameter(torch.zeros(out_features, rank))
        nn.init.kaiming_uniform_(self.A, a=math.sqrt(5))

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(F.linear(x, self.A), self.scale * self.B if self.scale != 1 else self.B)

    def product(self) -> Tensor:
        """The update as one matrix (E, D)."""
        return self.scale * self.B @ self.A


class Lora(Adapter):
    """Low-rank updates of q and v in every block; keys stay untouched.

    q <- W_q x + B_q A_q x and v <- W_v x + B_v A_v x, for tokens x (Bw, h, w, D). Padded window
    tokens are zero, so the update is zero there. New parameters: 4rDL; with r = 4: 147,456
    (ViT-B), 393,216 (ViT-L), 655,360 (ViT-H); the same with ``fused``.

    Source: Hu et al., arXiv 2106.09685; on SAM as in SAMed (arXiv 2304.13785), without its class
    heads; SAMed also trains the prompt encoder (``train_prompt_encoder``).
    """

    Settings = LoraSettings
    title = "LoRA"
    source = "arXiv 2106.09685"
    encoder_gradients = True
    starts_as_identity = True
    mergeable = True

    def __init__(self, sam: Backbone, settings: LoraSettings) -> None:
        super().__init__(sam, settings)
        scale = settings.alpha / settings.rank if settings.alpha else 1

        def update(layer: nn.Linear, rows: Rows) -> LowRankUpdate:
            return LowRankUpdate(layer.in_features, rows.height, settings.rank, scale)

        self.updates = nn.ModuleList(
            nn.ModuleDict({name: update(layer, rows) for name, layer, rows in self._targets(block)})
            for block in sam.blocks
        )

    def attach(self, sam: Backbone) -> None:
        for layer, rows, update in self._updates(sam):
            self.hold(after(layer, _added(update, rows)))

    @torch.no_grad()
    def merge(self, sam: Backbone) -> None:
        for layer, rows, update in self._updates(sam):
            rows.add(layer.weight.T, update.product().T)

    def low_rank_updates(self, sam: Backbone) -> Iterator[LowRank]:
        for layer, rows, update in self._updates(sam):
            yield LowRank(layer, rows, update.A, update.scale * update.B)

    def _updates(self, sam: Backbone) -> Iterator[tuple[nn.Linear, Rows, LowRankUpdate]]:
        """Every update with its layer and the rows of that layer's weight that it changes."""
        for block, updates in zip(sam.blocks, self.updates, strict=True):
            assert isinstance(updates, nn.ModuleDict)
            for name, layer, rows in self._targets(block):
                update = updates[name]
                assert isinstance(update, LowRankUpdate)
                yield layer, rows, update

    def _targets(self, block: Block) -> Iterator[tuple[str, nn.Linear, Rows]]:
        """What is updated in ``block``: a name, a layer, and rows of its weight."""
        if self.settings.fused:
            yield "qkv", block.qkv, _all(block.qkv)
            return
        for target in self.settings.targets:
            if target == "proj":
                yield "proj", block.proj, _all(block.proj)
            elif target == "mlp":
                for name, layer in (("lin1", block.lin1), ("lin2", block.lin2)):
                    yield name, layer, _all(layer)
            else:
                yield target, block.qkv, block.rows(target)


def _all(layer: nn.Linear) -> Rows:
    return Rows(0, layer.out_features)


def _added(update: nn.Module, rows: Rows) -> Callable[[Tensor, Tensor], Tensor]:
    def add(x: Tensor, y: Tensor) -> Tensor:
        rows.add(y, update(x))
        return y

    return add

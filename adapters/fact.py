"""FacT: the updates of all blocks' layers as one tensor, made of factors that they share."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from samfit.adapters.core.base import Adapter, LowRank, SerialSettings
from samfit.adapters.core.settings import Positive, Share
from samfit.adapters.sam.backbone import Backbone, Block, Need
from samfit.adapters.sam.changes import after
from samfit.adapters.sam.rows import Rows

PARTS = (3, 1, 4, 4)  # matrices D x D in qkv, proj, lin1 and lin2


@dataclass(frozen=True, kw_only=True)
class FactSettings(SerialSettings):
    """Hyper-parameters of FacT.

    Attributes:
        form: ``tt`` gives every matrix a core of its own (tensor train); ``tk`` makes all cores of
            one tensor (Tucker).
        rank: r. The official code takes up to 16 for ``tt`` and 32 for ``tk``.
        scale: s, the weight of the updates. The official code takes 0.01 to 100, by data set.
        dropout: probability with which one of the r features is dropped in training.
    """

    form: Literal["tt", "tk"] = "tt"
    rank: Positive = 16
    scale: float = 1
    dropout: Share = 0.1


class Trains(nn.Module):
    """Four cores a block, one for each layer: (p r, r), for lin2 (r, p r), with p of ``PARTS``.

    They start as the weights of such linear layers.
    """

    def __init__(self, blocks: int, rank: int) -> None:
        super().__init__()
        *from_one, lin2 = PARTS
        shapes = [*((parts * rank, rank) for parts in from_one), (rank, lin2 * rank)]
        self.cores = nn.ParameterList(
            nn.Parameter(torch.empty(shape)) for _ in range(blocks) for shape in shapes
        )
        for core in self.cores:
            nn.init.kaiming_uniform_(core, a=math.sqrt(5))

    def forward(self, block: int) -> list[Tensor]:
        """The cores of a block's layers."""
        first = len(PARTS) * block
        return [self.cores[first + place] for place in range(len(PARTS))]


class Tucker(nn.Module):
    """The same cores, each r x r matrix of which is sum_c C[:, :, c] P[c, k], k the matrix.

    C (r, r, r) and P (r, 12L) start Xavier-uniform.
    """

    def __init__(self, blocks: int, rank: int) -> None:
        super().__init__()
        self.core = nn.Parameter(torch.empty(rank, rank, rank))
        self.mixing = nn.Parameter(torch.empty(rank, sum(PARTS) * blocks))
        nn.init.xavier_uniform_(self.core)
        nn.init.xavier_uniform_(self.mixing)

    def forward(self, block: int) -> list[Tensor]:
        """The cores of a block's layers."""
        first = sum(PARTS) * block
        mixing = self.mixing[:, first : first + sum(PARTS)]
        matrices = torch.einsum("abc,ck->kab", self.core, mixing).split(PARTS)
        *from_one, lin2 = matrices
        return [*(part.flatten(0, 1) for part in from_one), lin2.transpose(0, 1).flatten(1)]


class Fact(Adapter):
    """W_k <- W_k + s V S_k U for the 12 matrices D x D of every block: q, k, v, proj, and four each
    of lin1 (D -> 4D) and lin2 (4D -> D).

    U (r, D) and V (D, r) are shared by all blocks, the cores S_k (r, r) are each its own (``tt``)
    or S_k = sum_c C[:, :, c] P[c, k] (``tk``). V starts at zero. In training features are dropped
    between S_k and V. New parameters: 2Dr + 12L r^2; with r = 16: 61,440 (ViT-B), 106,496 (ViT-L),
    139,264 (ViT-H); ``tk``: 2Dr + 12Lr + r^3; with r = 32: 86,528, 107,520, 126,976.

    Source: Jie and Deng, arXiv 2212.03145, and its official code, transferred to SAM by us. That
    code transposes the cores of lin2 with ``tk`` and mixes the four parts of the MLP's layers;
    here each matrix has the paper's form.
    """

    Settings = FactSettings
    title = "FacT"
    source = "arXiv 2212.03145"
    encoder_gradients = True
    starts_as_identity = True
    mergeable = True

    def __init__(self, sam: Backbone, settings: FactSettings) -> None:
        super().__init__(sam, settings)
        blocks, rank = sam.blocks, settings.rank
        width = blocks[0].width
        self.U = nn.Parameter(torch.empty(rank, width))
        nn.init.kaiming_uniform_(self.U, a=math.sqrt(5))
        self.V = nn.Parameter(torch.zeros(width, rank))
        self.cores = (Trains if settings.form == "tt" else Tucker)(len(blocks), rank)

    @classmethod
    def needs(cls, settings: FactSettings) -> Iterator[Need]:
        yield from super().needs(settings)
        yield Need.ONE_GRID

    def attach(self, sam: Backbone) -> None:
        for index, block in enumerate(sam.blocks):
            for place, layer in enumerate(_layers(block)):
                self.hold(after(layer, self._added(index, place)))

    @torch.no_grad()
    def merge(self, sam: Backbone) -> None:
        for layer, rows, down, up in self.low_rank_updates(sam):
            rows.add(layer.weight.T, (up @ down).T)

    def low_rank_updates(self, sam: Backbone) -> Iterator[LowRank]:
        rank, width = self.U.shape
        up = self.settings.scale * self.V
        for index, block in enumerate(sam.blocks):
            for layer, core in zip(_layers(block), self.cores(index), strict=True):
                for part, rows_of_core in enumerate(core.split(rank)):
                    down = torch.cat([square @ self.U for square in rows_of_core.split(rank, 1)], 1)
                    yield LowRank(layer, Rows(part * width, (part + 1) * width), down, up)

    def _added(self, index: int, place: int) -> Callable[[Tensor, Tensor], Tensor]:
        """Adds the update of a layer, in place on its fresh output."""

        def add(x: Tensor, y: Tensor) -> Tensor:
            return y.add_(self._update(x, self.cores(index)[place]))

        return add

    def _update(self, x: Tensor, core: Tensor) -> Tensor:
        """s V S U of x (..., p D), part by part: (..., q D) with a core (q r, p r)."""
        rank, width = self.U.shape
        seen = F.linear(x.unflatten(-1, (-1, width)), self.U).flatten(-2)
        kept = F.dropout(F.linear(seen, core), self.settings.dropout, self.training)
        return F.linear(kept.unflatten(-1, (-1, rank)), self.settings.scale * self.V).flatten(-2)


def _layers(block: Block) -> list[nn.Linear]:
    """The layers that are updated, in the order of ``PARTS``."""
    return [block.qkv, block.proj, block.lin1, block.lin2]

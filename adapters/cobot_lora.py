"""SAM-COBOT on LoRA: low-rank updates whose channels are related across blocks and mixed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from samfit.adapters.core.base import Adapter
from samfit.adapters.core.settings import Positive
from samfit.adapters.parts.cobot import CobotSettings, Mixing, Relation
from samfit.adapters.sam.backbone import Backbone, Block
from samfit.adapters.sam.changes import after
from samfit.adapters.sam.rows import Rows


@dataclass(frozen=True, kw_only=True)
class CobotLoraSettings(CobotSettings):
    """Hyper-parameters of SAM-COBOT on LoRA.

    Attributes:
        rank: r, the width of the low-rank update.
        zero_init_B: start as SAM, as LoRA does; the official code draws B at random.
    """

    rank: Positive = 4
    zero_init_B: bool = False  # noqa: N815 - B is the paper's name


class RelatedUpdate(nn.Module):
    """x -> B Mᵀ A x with A (r, D) and B (D', r) Xavier-normal; M (r, r) as in ``Mixing``."""

    def __init__(self, block: Block, settings: CobotLoraSettings) -> None:
        super().__init__()
        self.A = nn.Parameter(torch.empty(settings.rank, block.width_in))
        self.B = nn.Parameter(torch.zeros(block.width, settings.rank))
        nn.init.xavier_normal_(self.A)
        if not settings.zero_init_B:
            nn.init.xavier_normal_(self.B)
        self.mixing = Mixing(settings.rank, settings, "cobot_lora")

    def forward(self, x: Tensor, shared: Tensor | None) -> Tensor:
        return F.linear(F.linear(x, self.A), self._mixed_back(shared))

    def product(self, shared: Tensor | None) -> Tensor:
        """The update as one matrix (D, D)."""
        return self._mixed_back(shared) @ self.A

    def _mixed_back(self, shared: Tensor | None) -> Tensor:
        """B Mᵀ (D, r): folding the small matrices saves two tensors of every token."""
        matrix = self.mixing.matrix(shared)
        return self.B if matrix is None else self.B @ matrix.T


class CobotLora(Adapter):
    """Updates of q and v: B_q Q_qᵀ ((R[:, 2i] + gamma_q) ⊙ A_q x), likewise for v; keys untouched.

    Column 2i of the shared relation R = C P (r x 2L) belongs to q of block i, column 2i + 1 to v.
    New parameters: LoRA's 4rDL and 4rL + 4L² + r²L/2 more; with r = 4: 148,320 (ViT-B), 396,096
    (ViT-L), 660,224 (ViT-H), of which 864, 2,880 and 4,864 are SAM-COBOT's own.

    Source: arXiv 2311.17112. As in the official code B does not start at zero, so the adapted SAM
    is not SAM at first (``zero_init_B``); the relation has 2L columns on every backbone, where the
    code has 24, which fits ViT-B only; the quaternion mixer is that of the remote-sensing script.
    """

    Settings = CobotLoraSettings
    title = "SAM-COBOT on LoRA"
    source = "arXiv 2311.17112"
    encoder_gradients = True
    starts_as_identity = False
    mergeable = True

    def __init__(self, sam: Backbone, settings: CobotLoraSettings) -> None:
        super().__init__(sam, settings)
        self.starts_as_identity = settings.zero_init_B
        blocks = sam.blocks
        self.relation = Relation(settings.rank, 2 * len(blocks)) if settings.ibc else None
        self.query = nn.ModuleList(RelatedUpdate(block, settings) for block in blocks)
        self.value = nn.ModuleList(RelatedUpdate(block, settings) for block in blocks)

    def attach(self, sam: Backbone) -> None:
        for qkv, column, rows, update in self._updates(sam):
            self.hold(after(qkv, self._added(column, rows, update)))

    @torch.no_grad()
    def merge(self, sam: Backbone) -> None:
        for qkv, column, rows, update in self._updates(sam):
            change = update.product(self._shared(column))
            rows.add(qkv.weight.T, change.T)

    def _updates(self, sam: Backbone) -> Iterator[tuple[nn.Linear, int, Rows, RelatedUpdate]]:
        """Every update with its projection, its column of the relation, and the rows it changes."""
        for index, block in enumerate(sam.blocks):
            query, value = self.query[index], self.value[index]
            assert isinstance(query, RelatedUpdate) and isinstance(value, RelatedUpdate)
            yield block.qkv, 2 * index, block.rows("q"), query
            yield block.qkv, 2 * index + 1, block.rows("v"), value

    def _shared(self, column: int) -> Tensor | None:
        return None if self.relation is None else self.relation.column(column)

    def _added(
        self, column: int, rows: Rows, update: RelatedUpdate
    ) -> Callable[[Tensor, Tensor], Tensor]:
        def add(x: Tensor, qkv: Tensor) -> Tensor:
            rows.add(qkv, update(x, self._shared(column)))
            return qkv

        return add

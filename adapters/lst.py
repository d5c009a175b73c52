"""LST: a ladder of narrow blocks that reads the frozen encoder's tokens."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Literal

import torch
from pydantic import Field
from segment_anything.modeling.image_encoder import Attention, Block as SideBlock
from torch import Tensor, nn
from torch.nn import functional as F

from samfit.adapters.core.base import Adapter, Settings
from samfit.adapters.core.settings import Positive
from samfit.adapters.sam.attention import folded_attention
from samfit.adapters.sam.backbone import Backbone
from samfit.adapters.sam.changes import after, before
from samfit.errors import UserError

LayerNorm = partial(nn.LayerNorm, eps=1e-6)


@dataclass(frozen=True, kw_only=True)
class LstSettings(Settings):
    """Hyper-parameters of LST.

    Attributes:
        reduction: k: the ladder is D / k wide.
        temperature: T, which sharpens the gates.
        attention: how the ladder's own blocks attend: ``folded`` computes SAM's attention without
            its N x N matrices, ``eager`` with them, which takes as much memory as the encoder's
            attention; ``windowed`` is folded, without global blocks.
    """

    reduction: Positive = 8
    temperature: Annotated[float, Field(ge=1e-6)] = 0.1
    attention: Literal["folded", "eager", "windowed"] = "folded"


class FoldedAttention(Attention):
    """SAM's attention by ``folded_attention``."""

    forward = folded_attention


class Lst(Adapter):
    """E' = E + Up(LN(s_L)), s_0 = Down_0(X_0), s_i = Side_i(g_i s_{i-1} + (1 - g_i) Down_i(X_i)).

    X_0 (B, 64, 64, D) are the tokens that enter the first block, X_i those that leave block i; g_i
    = sigmoid(alpha_i / T) is a learned gate; Down_i: D -> d, Side_i a SAM block of width d = D/k
    with as many heads, the same windows and its own position tables, Up: d -> 256. Up starts at
    zero. In a pyramid, whose tokens have several widths and grids, X_i is pooled to the grid of E
    if it is finer, and Down_i(X_i) is repeated if it is coarser; D, heads and windows are those of
    the stage on E's grid. Nothing is back-propagated through the encoder, but its L + 1 token maps
    are kept for the gradients of Down. New parameters with k = 8: 2,338,412 (ViT-B), 8,088,600
    (ViT-L), 16,727,488 (ViT-H).

    Source: Sung et al., arXiv 2206.06522, transferred from T5 to SAM by us. There the ladder's
    output replaces the backbone's and its blocks start from pruned backbone weights; here it is
    added, so that the adapted SAM starts as SAM.
    """

    Settings = LstSettings
    title = "LST"
    source = "arXiv 2206.06522"
    encoder_gradients = False
    starts_as_identity = True
    reads_blocks = True

    def __init__(self, sam: Backbone, settings: LstSettings) -> None:
        super().__init__(sam, settings)
        blocks = sam.blocks
        width, heads, window = _stage_of(sam)
        narrow = width // settings.reduction
        if width // heads % settings.reduction:
            raise UserError(
                f"lst: setting reduction must divide {width // heads}, the width of one of the "
                f"backbone's {heads} heads, got {settings.reduction}."
            )
        widths = [blocks[0].width_in, *(block.width for block in blocks)]
        self.down = nn.ModuleList(nn.Linear(features, narrow) for features in widths)
        is_global = [block.window == 0 and settings.attention != "windowed" for block in blocks]
        windows = [0 if whole else window for whole in is_global]
        self.grid = grid = sam.grid
        kind = Attention if settings.attention == "eager" else FoldedAttention
        self.side = nn.ModuleList(_side_block(narrow, heads, size, grid, kind) for size in windows)
        self.gates = nn.Parameter(torch.zeros(len(blocks)))
        self.norm = LayerNorm(narrow)
        self.up = nn.Linear(narrow, sam.embed_dim)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)
        # Down_i(X_i) (B, g, g, d) of the running forward pass, in parts if it comes in parts.
        self._rungs: list[list[Tensor]] = [[] for _ in self.down]

    def attach(self, sam: Backbone) -> None:
        blocks = [block.whole for block in sam.blocks]
        self.hold(before(blocks[0], self._first_rung))
        self.hold(*(after(block, self._rung(i + 1)) for i, block in enumerate(blocks)))

    def begin(self) -> None:
        self._rungs = [[] for _ in self.down]

    def correct(self, embedding: Tensor, images: Tensor) -> Tensor:
        rungs = [torch.cat(parts) if len(parts) > 1 else parts[0] for parts in self._rungs]
        self.begin()  # they are not needed any more
        gates = torch.sigmoid(self.gates / self.settings.temperature)
        s = rungs[0]
        for gate, rung, side in zip(gates, rungs[1:], self.side, strict=True):
            s = side(gate * s + (1 - gate) * rung)
        return embedding + self.up(self.norm(s)).permute(0, 3, 1, 2)

    def _first_rung(self, x: Tensor) -> Tensor:
        self._keep(0, x)
        return x

    def _rung(self, index: int) -> Callable[[Tensor, Tensor], Tensor]:
        def keep(_: Tensor, y: Tensor) -> Tensor:
            self._keep(index, y)
            return y

        return keep

    def _keep(self, index: int, tokens: Tensor) -> None:
        """Down_i(X_i) on the grid of E, from tokens X_i (B, H, W, D)."""
        finer = tokens.shape[1] // self.grid[0]
        if finer > 1:  # pooled first, and without a graph: so little is kept
            tokens = F.avg_pool2d(tokens.permute(0, 3, 1, 2), finer).permute(0, 2, 3, 1)
        narrow = self.down[index](tokens)
        coarser = self.grid[0] // tokens.shape[1]
        if coarser > 1:
            narrow = narrow.repeat_interleave(coarser, 1).repeat_interleave(coarser, 2)
        self._rungs[index].append(narrow)


def _stage_of(sam: Backbone) -> tuple[int, int, int]:
    """Width, heads and window of the blocks whose tokens lie on the grid of E: of all, in a ViT."""
    blocks = sam.stage
    return blocks[0].width, blocks[0].heads, max(block.window for block in blocks)


def _side_block(
    width: int, heads: int, window: int, grid: tuple[int, int], attention: type[Attention]
) -> SideBlock:
    """A SAM block of the ladder; ``window`` 0 makes it global, over the whole ``grid``."""
    block = SideBlock(width, heads, norm_layer=LayerNorm, window_size=window)
    size = (window, window) if window else grid
    block.attn = attention(width, heads, use_rel_pos=True, input_size=size)
    return block

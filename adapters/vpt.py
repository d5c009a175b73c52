"""VPT: learned tokens that join the attention of the encoder's blocks."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from segment_anything.modeling import Sam
from segment_anything.modeling.image_encoder import (
    Attention,
    Block,
    add_decomposed_rel_pos,
    window_partition,
    window_unpartition,
)
from torch import Tensor, nn

from samfit.adapters.core.base import Adapter, Settings
from samfit.adapters.core.settings import Positive
from samfit.adapters.sam.attention import Heads, attend_folded, project, unite
from samfit.adapters.sam.sites import Site, after, override


@dataclass(frozen=True, kw_only=True)
class VptSettings(Settings):
    """Hyper-parameters of VPT.

    Attributes:
        tokens: p, the number of prompt tokens.
        deep: new tokens for every block; false gives tokens to the first block only, whose states
            then pass through all others ("shallow").
    """

    tokens: Positive = 12
    deep: bool = True


class Vpt(Adapter):
    """Every block attends to p prompt tokens P_i (p, D) beside its image tokens X.

    Keys and values are [norm1 P_i; norm1 X] W_kv: in every window, and once in global blocks. The
    position term is zero where query or key is a prompt. Deep: the outputs of prompts are dropped,
    since the next block brings its own; so prompts need no queries. Shallow: prompts attend too,
    are averaged over the windows of their image, and pass through the MLP like any token. New
    parameters with p = 12: 110,592 (ViT-B), 294,912 (ViT-L), 491,520 (ViT-H), as many as LoRA with
    r = 3; shallow: 9,216, 12,288 and 15,360.

    Source: Jia et al., arXiv 2203.12119; transferred to SAM by us, since no such version exists.
    The official code for windowed encoders pairs prompts and windows of different images when it
    averages them; here they are those of one image.
    """

    Settings = VptSettings
    title = "VPT"
    source = "arXiv 2203.12119"
    encoder_gradients = True
    starts_as_identity = False

    def __init__(self, sam: Sam, settings: VptSettings) -> None:
        super().__init__(sam, settings)
        projection = sam.image_encoder.patch_embed.proj
        width, patch = projection.out_channels, projection.kernel_size[0]
        count = len(Site.BLOCK.modules(sam)) if settings.deep else 1
        self.prompts = nn.Parameter(torch.empty(count, settings.tokens, width))
        bound = math.sqrt(6 / (3 * patch * patch + width))
        nn.init.uniform_(self.prompts, -bound, bound)
        self._attend: Callable[..., Tensor] = attend_eager
        self._states: Tensor | None = None  # (B, p, D): shallow prompts between two blocks

    def attach(self, sam: Sam) -> None:
        blocks = list(sam.image_encoder.blocks)
        if self.settings.deep:
            for index, block in enumerate(blocks):
                self.hold(override(block.attn, "forward", self._deep_attention(block, index)))
            return
        for index, block in enumerate(blocks):
            self.hold(override(block, "forward", self._shallow_block(block, is_first=index == 0)))
        self.hold(after(blocks[-1], self._forget))

    def levers(self) -> tuple[str, ...]:
        """Shallow prompts pass from block to block beside the tokens: no block can be computed
        again alone."""
        levers = super().levers()
        return levers if self.settings.deep else tuple(x for x in levers if x != "checkpointing")

    def fold_attention(self, sam: Sam) -> None:
        self._attend = attend_folded

    def _deep_attention(self, block: Block, index: int) -> Callable[[Tensor], Tensor]:
        def forward(x: Tensor) -> Tensor:
            prompts = project(block.attn, block.norm1(self.prompts[index : index + 1]))
            return self._attend_image(block.attn, project(block.attn, x), prompts, x.shape[1:3])

        return forward

    def _shallow_block(self, block: Block, is_first: bool) -> Callable[[Tensor], Tensor]:
        def forward(x: Tensor) -> Tensor:
            prompts = self.prompts.expand(x.shape[0], -1, -1) if is_first else self._states
            assert prompts is not None, "the blocks run in order"
            image, attended = self._attend_both(block, block.norm1(x), block.norm1(prompts))
            x, prompts = x + image, prompts + attended
            self._states = prompts + block.mlp(block.norm2(prompts))
            return x + block.mlp(block.norm2(x))

        return forward

    def _attend_image(
        self, attention: Attention, image: Heads, prompts: Heads, grid: tuple[int, ...]
    ) -> Tensor:
        """The attention's output (Bw, h, w, D) for image tokens."""
        return unite(attention, self._attend(attention, image, grid, prompts)).unflatten(1, grid)

    def _attend_both(self, block: Block, x: Tensor, prompts: Tensor) -> tuple[Tensor, Tensor]:
        """Attention among normalised tokens x (B, H, W, D) and prompts (B, p, D) of each image.

        The prompts' output is the mean over their image's windows.
        """
        attention, size, count = block.attn, x.shape[1:3], x.shape[0]
        if block.window_size:
            x, padded = window_partition(x, block.window_size)
            prompts = prompts.repeat_interleave(x.shape[0] // count, dim=0)
        image_heads, prompt_heads = project(attention, x), project(attention, prompts)
        image = self._attend_image(attention, image_heads, prompt_heads, x.shape[1:3])
        if block.window_size:
            image = window_unpartition(image, block.window_size, padded, size)
        attended = attend_prompts(attention, image_heads, prompt_heads)
        return image, attended.unflatten(0, (count, -1)).mean(dim=1)

    def _forget(self, _: Tensor, tokens: Tensor) -> Tensor:
        self._states = None
        return tokens


def attend_eager(
    attention: Attention, image: Heads, grid: tuple[int, ...], prompts: Heads
) -> Tensor:
    """What the heads find for image tokens on a ``grid`` of h x w: (Bw, heads, h·w, c).

    Their keys and values are joined by those of ``prompts``, one set for all windows or one each.
    """
    windows = image.q.shape[0]
    scaled = image.q * attention.scale
    among = add_decomposed_rel_pos(
        (scaled @ image.k.transpose(-2, -1)).flatten(0, 1), image.q.flatten(0, 1),
        attention.rel_pos_h, attention.rel_pos_w, grid, grid,
    )  # fmt: skip
    logits = [scaled @ prompts.k.transpose(-2, -1), among.unflatten(0, (windows, -1))]
    values = torch.cat([prompts.v.expand(windows, -1, -1, -1), image.v], dim=-2)
    return torch.cat(logits, dim=-1).softmax(dim=-1) @ values


def attend_prompts(attention: Attention, image: Heads, prompts: Heads) -> Tensor:
    """The attention's output (Bw, p, D) for the prompts of each window."""
    keys = torch.cat([prompts.k, image.k], dim=-2)
    values = torch.cat([prompts.v, image.v], dim=-2)
    y = ((prompts.q * attention.scale) @ keys.transpose(-2, -1)).softmax(dim=-1) @ values
    return unite(attention, y)

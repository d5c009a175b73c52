"""VPT: learned tokens that join the attention of the encoder's blocks."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from segment_anything.modeling.image_encoder import Attention, window_partition, window_unpartition
from torch import Tensor, nn

from samfit.adapters.core.base import Adapter, SerialSettings
from samfit.adapters.core.settings import Positive
from samfit.adapters.sam.attention import Heads, attend_eager, attend_folded, project, unite
from samfit.adapters.sam.backbone import Backbone, Block, Need
from samfit.adapters.sam.changes import after, override
from samfit.adapters.sam.sizes import Attention as Kind


@dataclass(frozen=True, kw_only=True)
class VptSettings(SerialSettings):
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

    def __init__(self, sam: Backbone, settings: VptSettings) -> None:
        super().__init__(sam, settings)
        patch = sam.patch_projection.kernel_size[0]
        with_prompts = sam.blocks if settings.deep else sam.blocks[:1]
        self.prompts = nn.ParameterList(
            torch.empty(1, settings.tokens, block.width_in) for block in with_prompts
        )
        for prompts in self.prompts:
            bound = math.sqrt(6 / (3 * patch * patch + prompts.shape[-1]))
            nn.init.uniform_(prompts, -bound, bound)
        self._kind: Kind = sam.attention
        self._states: Tensor | None = None  # (B, p, D): shallow prompts between two blocks

    def attach(self, sam: Backbone) -> None:
        if self.settings.deep:
            self._attend_deep(sam)
            return
        for index, block in enumerate(sam.blocks):
            forward = self._shallow_block(block, is_first=index == 0)
            self.hold(override(block.whole, "forward", forward))
        self.hold(after(sam.blocks[-1].whole, self._forget))

    @classmethod
    def needs(cls, settings: VptSettings) -> Iterator[Need]:
        yield from super().needs(settings)
        yield Need.TOKENS_BESIDE if settings.deep else Need.TOKENS_THROUGH

    def levers(self) -> tuple[str, ...]:
        """Shallow prompts pass from block to block beside the tokens: no block can be computed
        again alone."""
        levers = super().levers()
        return levers if self.settings.deep else tuple(x for x in levers if x != "checkpointing")

    def attend_by(self, sam: Backbone, kind: Kind) -> None:
        super().attend_by(sam, kind)
        self._kind = kind
        if self.settings.deep:
            self._attend_deep(sam)

    def _attend_deep(self, sam: Backbone) -> None:
        for index, block in enumerate(sam.blocks):
            self.hold(block.replace_attention(partial(self._deep_attention, block, index)))

    def _deep_attention(self, block: Block, index: int, x: Tensor) -> Tensor:
        return block.attend_beside(x, block.norm1(self.prompts[index]), self._kind)

    def _shallow_block(self, block: Block, is_first: bool) -> Callable[[Tensor], Tensor]:
        def forward(x: Tensor) -> Tensor:
            prompts = self.prompts[0].expand(len(x), -1, -1) if is_first else self._states
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
        attend = attend_folded if self._kind == "sdpa" else attend_eager
        return unite(attention, attend(attention, image, grid, prompts)).unflatten(1, grid)

    def _attend_both(self, block: Block, x: Tensor, prompts: Tensor) -> tuple[Tensor, Tensor]:
        """Attention among normalised tokens x (B, H, W, D) and prompts (B, p, D) of each image.

        The prompts' output is the mean over their image's windows.
        """
        attention: Any = block.attention
        size, count = x.shape[1:3], x.shape[0]
        if block.window:
            x, padded = window_partition(x, block.window)
            prompts = prompts.repeat_interleave(x.shape[0] // count, dim=0)
        image_heads, prompt_heads = project(attention, x), project(attention, prompts)
        image = self._attend_image(attention, image_heads, prompt_heads, x.shape[1:3])
        if block.window:
            image = window_unpartition(image, block.window, padded, size)
        attended = attend_prompts(attention, image_heads, prompt_heads)
        return image, attended.unflatten(0, (count, -1)).mean(dim=1)

    def _forget(self, _: Tensor, tokens: Tensor) -> Tensor:
        self._states = None
        return tokens


def attend_prompts(attention: Attention, image: Heads, prompts: Heads) -> Tensor:
    """The attention's output (Bw, p, D) for the prompts of each window."""
    keys = torch.cat([prompts.k, image.k], dim=-2)
    values = torch.cat([prompts.v, image.v], dim=-2)
    y = ((prompts.q * attention.scale) @ keys.transpose(-2, -1)).softmax(dim=-1) @ values
    return unite(attention, y)

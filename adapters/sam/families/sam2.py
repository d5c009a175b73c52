"""SAM 2 and 2.1 for images: Hiera, a pyramid of stages, as transformers computes it."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from samfit.adapters.sam.backbone import Block, Embedding, Need
from samfit.adapters.sam.families.hugging_face import HuggingFace
from samfit.adapters.sam.sizes import Attention, Sizes

if TYPE_CHECKING:
    from torch import Tensor, nn

    from samfit.adapters.sam.changes import ChangeOutput, Removable

CLASSES = "transformers.models.sam2.modeling_sam2"


@dataclass(frozen=True, kw_only=True)
class HieraSizes(Sizes):
    """Sizes of a SAM 2: each stage halves the grid of tokens and doubles their width.

    Attributes:
        width, heads: of the first stage.
        blocks: of each stage.
        global_blocks: 0-based indices of blocks with global attention; the others are windowed.
        windows: side of an attention window, in tokens, in each stage.
        background: side of the table of positions that is enlarged to the grid.
        decoder_mlp: hidden width in the mask decoder's transformer.
    """

    width: int
    heads: int
    blocks: tuple[int, ...]
    global_blocks: tuple[int, ...]
    windows: tuple[int, ...] = (8, 4, 14, 7)
    background: int = 7
    decoder_mlp: int = 2048
    multiple: int = 32


# Ravi et al., arXiv 2408.00714, and the configurations that Meta publishes with its checkpoints.
# For images SAM 2.1 is SAM 2 with other weights.
HIERAS = {
    "hiera_tiny": HieraSizes(
        width=96, heads=1, blocks=(1, 2, 7, 2), global_blocks=(5, 7, 9)
    ),
    "hiera_small": HieraSizes(
        width=96, heads=1, blocks=(1, 2, 11, 2), global_blocks=(7, 10, 13)
    ),
    "hiera_base_plus": HieraSizes(
        width=112, heads=2, blocks=(2, 3, 16, 3), global_blocks=(12, 16, 20), background=14
    ),
    "hiera_large": HieraSizes(
        width=144, heads=2, blocks=(2, 6, 36, 4), global_blocks=(23, 33, 43), windows=(8, 4, 16, 8)
    ),
}  # fmt: skip
VERSIONS = ("sam2.1", "sam2")


class HieraBlock(Block):
    """A block of Hiera. The first of a stage makes its tokens wider, and has one query for each
    2 x 2 of them: X' is the pooled ``shortcut`` of norm1 X, plus what its attention adds."""

    @classmethod
    def of(cls, block: Any) -> HieraBlock:
        """The view of transformers' ``Sam2MultiScaleBlock``."""
        attention, mlp = block.attn, block.mlp
        return cls(
            whole=block, norm1=block.layer_norm1, attention=attention, qkv=attention.qkv,
            proj=attention.proj, norm2=block.layer_norm2, mlp=mlp, lin1=mlp.proj_in,
            lin2=mlp.proj_out, heads=attention.num_attention_heads, window=block.window_size,
            shortcut=block.proj if block.dim != block.dim_out else None,
        )  # fmt: skip

    @property
    def stride(self) -> int:
        """Tokens, along one side, for one query."""
        strides: Any = self.attention.query_stride
        return strides[0] if strides else 1

    def attention_branch(self, x: Tensor) -> tuple[Tensor, Tensor]:
        code = _code()
        y = self.norm1(x)
        beside = x
        if self.shortcut is not None:
            beside = code.do_pool(self.shortcut(y), self.attention.query_stride)
        if self.window == 0:
            return beside, self.attention(hidden_states=y)
        y, padded = code.window_partition(y, self.window)
        y = self.attention(hidden_states=y)
        window, size = self.window // self.stride, beside.shape[1:3]
        if self.stride > 1:
            padded = tuple(side + -side % window for side in size)
        return beside, code.window_unpartition(y, window, padded, size)

    def attend_beside(self, x: Tensor, others: Tensor, kind: Attention) -> Tensor:
        from torch.nn import functional as F

        (count, height, width, _), stride = x.shape, self.attention.query_stride
        q, k, v = self._heads(x)
        if stride:
            q = _code().do_pool(q.flatten(2).unflatten(1, (height, width)), stride)
            height, width = q.shape[1:3]
            q = q.flatten(1, 2).unflatten(-1, (self.heads, -1))
        _, beside_k, beside_v = self._heads(others)
        q, k, v = (
            t.transpose(1, 2) for t in (q, _join(k, beside_k, count), _join(v, beside_v, count))
        )
        if kind == "sdpa":
            y = F.scaled_dot_product_attention(q, k, v)
        else:
            scaled = q * self.attention.scale  # type: ignore[operator]
            y = (scaled @ k.transpose(-2, -1)).softmax(dim=-1) @ v
        return self.proj(y.transpose(1, 2).reshape(count, height, width, -1))

    def _heads(self, tokens: Tensor) -> Sequence[Tensor]:
        """Queries, keys and values (Bw, N, heads, c) of tokens (Bw, ..., D)."""
        return self.qkv(tokens).flatten(1, -2).unflatten(-1, (3, self.heads, -1)).unbind(2)

    def change_attention(self, change: ChangeOutput) -> Removable:
        def changed(_: nn.Module, args: Any, kwargs: Any, y: Tensor) -> Tensor:
            return change(args[0] if args else kwargs["hidden_states"], y)

        return self.attention.register_forward_hook(changed, with_kwargs=True)

    def replace_attention(self, attend: Any) -> Removable:
        return super().replace_attention(lambda hidden_states, **_: attend(hidden_states))


class Sam2(HuggingFace):
    """``transformers.Sam2Model`` for images (Ravi et al., arXiv 2408.00714).

    Tokens begin as (B, S/4, S/4, D); each of three further stages halves their grid and doubles
    their width. A feature pyramid makes of the last tokens of every stage maps of 256 channels: the
    embedding (B, 256, S/16, S/16), which here has the embedding "no memory" added, and two finer
    ones, which the mask decoder adds to what it upscales, ``beside``: (B, 32, S/4, S/4) and
    (B, 64, S/8, S/8), from convolutions that belong to the decoder and are trained with it.

    The mask is that of the single-mask token. In evaluation transformers, as Meta's code, puts one
    of the three others in its place where it is unstable; here it does not, since those are not
    trained.
    """

    title = "SAM 2"
    model_class = f"{CLASSES}.Sam2Model"
    kind = "Sam2"
    sizes: ClassVar[dict[str, Sizes]] = {
        f"{version}_{name}": sizes for version in VERSIONS for name, sizes in HIERAS.items()
    }
    lacks: ClassVar[dict[Need, str]] = {
        **HuggingFace.lacks,
        Need.ONE_GRID: "each stage of its Hiera has another width and another grid",
        Need.TOKENS_THROUGH: "its blocks pool their tokens, so that each needs a place",
        Need.EMBEDDING_ALONE: "its mask decoder also takes two finer maps from the encoder",
    }

    @classmethod
    def share_coordinates(cls, model: Any) -> None:
        """Prompts and image are given their places by tables of their own, with the same
        numbers."""
        table = model.shared_image_embedding.positional_embedding
        model.prompt_encoder.shared_embedding.positional_embedding.data.copy_(table.data)

    @classmethod
    def vision_config(cls, sizes: Any, image_size: int) -> dict[str, Any]:
        stages = range(len(sizes.blocks))
        widths = [sizes.width * 2**stage for stage in stages]
        grids = [image_size // 4 // 2**stage for stage in stages]
        return {
            "backbone_config": {
                "model_type": "sam2_hiera_det_model",
                "image_size": [image_size, image_size],
                "hidden_size": sizes.width,
                "num_attention_heads": sizes.heads,
                "embed_dim_per_stage": widths,
                "num_attention_heads_per_stage": [sizes.heads * 2**stage for stage in stages],
                "blocks_per_stage": [*sizes.blocks],
                "global_attention_blocks": [*sizes.global_blocks],
                "window_size_per_stage": [*sizes.windows],
                "window_positional_embedding_background_size": [sizes.background] * 2,
            },
            "backbone_channel_list": widths[::-1],
            "backbone_feature_sizes": [[grid, grid] for grid in grids[:-1]],
            "fpn_hidden_size": sizes.embedding,
        }

    @classmethod
    def load(cls, model: nn.Module, path: Path, name: str) -> None:
        from samfit.adapters.sam.checkpoint.sam2 import load_sam2

        load_sam2(model, path, name)

    @property
    def every_block(self) -> list[Block]:
        backbone = getattr(self.image_encoder, "backbone", None)
        return [HieraBlock.of(block) for block in getattr(backbone, "blocks", ())]

    @property
    def stage(self) -> list[Block]:
        blocks = self.every_block
        last, before = self.image_encoder.backbone.stage_ends[-2::-1][:2]  # type: ignore[union-attr,index]
        return blocks[before + 1 : last + 1]

    @property
    def patch_embed(self) -> nn.Module:
        return self.model.vision_encoder.backbone.patch_embed

    @property
    def patch_projection(self) -> nn.Conv2d:
        return self.model.vision_encoder.backbone.patch_embed.projection

    @property
    def neck(self) -> list[nn.Module]:
        return [*self.model.vision_encoder.neck.convs]

    def encode(self, pixels: Tensor, encoder: nn.Module | None = None) -> Embedding:
        found, decoder = (encoder or self.image_encoder)(pixels), self.mask_decoder
        finest, finer, last = found.fpn_hidden_states
        image = last + self.model.no_memory_embedding.view(1, -1, 1, 1)
        return Embedding(image, (decoder.conv_s0(finest), decoder.conv_s1(finer)))

    def decode(self, embedding: Embedding, boxes: Tensor | None, points: Tensor | None) -> Tensor:
        if boxes is None and points is None:  # a point that is none, as Sam2Model takes it
            points = embedding.image.new_tensor([0.0, 0.0, -1.0]).expand(len(embedding.image), 1, 3)
        decoder = self.mask_decoder
        chooses = decoder.dynamic_multimask_via_stability
        decoder.dynamic_multimask_via_stability = False
        try:
            return super().decode(embedding, boxes, points)
        finally:
            decoder.dynamic_multimask_via_stability = chooses

    def more_for_decoder(self, embedding: Embedding) -> dict[str, Any]:
        return {"high_resolution_features": [*embedding.beside]}

    def attend_by(self, kind: Attention) -> Iterator[Removable]:
        from samfit.adapters.sam.changes import override

        config = self.model.vision_encoder.backbone.config
        if config._attn_implementation != kind:
            changed = copy.copy(config)
            changed._attn_implementation = kind
            for block in self.every_block:
                yield override(block.attention, "config", changed)

    def unused_by_single_mask(self) -> list[nn.Module]:
        return [*super().unused_by_single_mask(), self.mask_decoder.pred_obj_score_head]


def _code() -> Any:
    """transformers' own code of SAM 2."""
    from importlib import import_module

    return import_module(CLASSES)


def _join(own: Tensor, others: Tensor, count: int) -> Tensor:
    """Tokens (Bw, N, ...), and behind them those of ``others``, one set for all or one each."""
    import torch

    return torch.cat([own, others.expand(count, *others.shape[1:])], dim=1)

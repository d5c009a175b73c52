"""Meta's segment-anything: ViT-B, -L and -H, and a miniature of the same classes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from samfit.adapters.sam.backbone import Backbone, Block, Embedding
from samfit.adapters.sam.sizes import Attention, Sizes

if TYPE_CHECKING:
    from segment_anything.modeling import Sam
    from torch import Tensor, nn

    from samfit.adapters.sam.changes import Removable


@dataclass(frozen=True, kw_only=True)
class VitSizes(Sizes):
    """Sizes of a SAM whose image encoder is a plain ViT.

    Attributes:
        width, depth, heads: of the image encoder.
        global_blocks: 0-based indices of blocks with global attention; the others are windowed.
        window: side of an attention window, in tokens.
        decoder_mlp: hidden width in the mask decoder's transformer.
    """

    width: int
    depth: int
    heads: int
    global_blocks: tuple[int, ...]
    window: int = 14
    decoder_mlp: int = 2048


# ViT-B, -L, -H: Kirillov et al., arXiv 2304.02643. vit_tiny: the same classes, 1.6 million
# parameters, with the same mix of padded windows and global blocks, for CPUs and tests.
VITS = {
    "vit_tiny": VitSizes(
        width=128, depth=6, heads=4, global_blocks=(2, 5),
        window=6, image_size=256, embedding=64, decoder_mlp=256,
    ),
    "vit_b": VitSizes(width=768, depth=12, heads=12, global_blocks=(2, 5, 8, 11)),
    "vit_l": VitSizes(width=1024, depth=24, heads=16, global_blocks=(5, 11, 17, 23)),
    "vit_h": VitSizes(width=1280, depth=32, heads=16, global_blocks=(7, 15, 23, 31)),
}  # fmt: skip


class VitBlock(Block):
    """A block of the ViT; windowed blocks pad the normalised tokens with zeros, which take part in
    attention."""

    @classmethod
    def of(cls, block: Any) -> VitBlock:
        """The view of segment_anything's ``Block``."""
        attention, mlp = block.attn, block.mlp
        return cls(
            whole=block, norm1=block.norm1, attention=attention, qkv=attention.qkv,
            proj=attention.proj, norm2=block.norm2, mlp=mlp, lin1=mlp.lin1, lin2=mlp.lin2,
            heads=attention.num_heads, window=block.window_size,
        )  # fmt: skip

    def attention_branch(self, x: Tensor) -> tuple[Tensor, Tensor]:
        from segment_anything.modeling.image_encoder import window_partition, window_unpartition

        y = self.norm1(x)
        if self.window == 0:
            return x, self.attention(y)
        y, padded = window_partition(y, self.window)
        y = self.attention(y)
        return x, window_unpartition(y, self.window, padded, x.shape[1:3])

    def attend_beside(self, x: Tensor, others: Tensor, kind: Attention) -> Tensor:
        from samfit.adapters.sam.attention import attend_eager, attend_folded, attention_beside

        attention: Any = self.attention
        attend = attend_folded if kind == "sdpa" else attend_eager
        return attention_beside(attention, x, others, attend)


class MetasDecoder(Backbone):
    """The half of a SAM behind its image encoder, by segment_anything's own classes."""

    @property
    def image_size(self) -> int:
        return self.image_encoder.img_size  # type: ignore[return-value]

    @property
    def embed_dim(self) -> int:
        return self.prompt_encoder.embed_dim

    @property
    def grid(self) -> tuple[int, int]:
        return self.prompt_encoder.image_embedding_size

    @property
    def coordinate_tables(self) -> list[tuple[nn.Module, str]]:
        return [(self.prompt_encoder.pe_layer, "positional_encoding_gaussian_matrix")]

    @property
    def normalisation(self) -> tuple[list[float], list[float]]:
        mean, std = self.model.pixel_mean, self.model.pixel_std
        return mean.flatten().tolist(), std.flatten().tolist()

    def preprocess(self, images: Tensor) -> Tensor:
        return self.model.preprocess(images)

    def encode(self, pixels: Tensor, encoder: nn.Module | None = None) -> Embedding:
        return Embedding((encoder or self.image_encoder)(pixels))

    def decode(self, embedding: Embedding, boxes: Tensor | None, points: Tensor | None) -> Tensor:
        from samfit.adapters.sam.decoding import decode_masks, encode_prompts
        from samfit.adapters.sam.precision import in_full_precision

        image, encoder, dtype = embedding.image, self.prompt_encoder, self.dtype
        with in_full_precision(image.device):  # in 16 bits coordinates would lose their place
            sparse, dense = encode_prompts(encoder, boxes, len(image), points)
            image_pe = encoder.get_dense_pe().to(dtype)
        masks, _ = decode_masks(self.mask_decoder, image, image_pe, sparse.to(dtype), dense)
        return masks

    def replace_mask_tokens(self, count: int, shared_hypernetwork: bool) -> Removable:
        from samfit.adapters.sam.decoding import MaskTokens

        return MaskTokens(self.mask_decoder, count, shared_hypernetwork)


class SegmentAnything(MetasDecoder):
    """``segment_anything.modeling.Sam`` (Kirillov et al., arXiv 2304.02643).

    Tokens X (B, g, g, D), g = S / 16, keep their width and grid from the first block to the last.
    """

    title = "segment-anything"
    sizes: ClassVar[dict[str, Sizes]] = {**VITS}
    model_class = "segment_anything.modeling.sam.Sam"

    @classmethod
    def build(cls, name: str, image_size: int) -> Sam:
        import torch
        from segment_anything.modeling import ImageEncoderViT, Sam

        from samfit.adapters.sam.decoding import build_mask_decoder, build_prompt_encoder

        sizes = VITS[name]
        encoder = ImageEncoderViT(
            img_size=image_size,
            patch_size=sizes.stride,
            embed_dim=sizes.width,
            depth=sizes.depth,
            num_heads=sizes.heads,
            out_chans=sizes.embedding,
            norm_layer=partial(torch.nn.LayerNorm, eps=1e-6),
            use_rel_pos=True,
            window_size=sizes.window,
            global_attn_indexes=sizes.global_blocks,
        )
        prompts = build_prompt_encoder(sizes.embedding, image_size, sizes.stride)
        return Sam(encoder, prompts, build_mask_decoder(sizes.embedding, sizes.decoder_mlp))

    @classmethod
    def load(cls, model: nn.Module, path: Path, name: str) -> None:
        from samfit.adapters.sam.checkpoint.load import load_checkpoint

        load_checkpoint(model, path, name)

    @classmethod
    def is_view_of(cls, model: nn.Module) -> bool:
        return super().is_view_of(model) and hasattr(model.image_encoder, "blocks")

    @property
    def every_block(self) -> list[Block]:
        return [VitBlock.of(block) for block in getattr(self.image_encoder, "blocks", ())]

    @property
    def patch_embed(self) -> nn.Module:
        return self.model.image_encoder.patch_embed

    @property
    def patch_projection(self) -> nn.Conv2d:
        return self.model.image_encoder.patch_embed.proj

    @property
    def neck(self) -> list[nn.Module]:
        return [*self.model.image_encoder.neck]

    def attend_by(self, kind: Attention) -> Iterator[Removable]:
        from samfit.adapters.sam.attention import folded_attention

        for block in self.every_block if kind == "sdpa" else []:
            yield block.replace_attention(partial(folded_attention, block.attention))

"""Hugging Face's SAM: ViT-B, -L and -H as transformers computes them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from samfit.adapters.sam.backbone import Backbone, Block, Embedding, Need
from samfit.adapters.sam.families.segment_anything import VITS, VitSizes
from samfit.adapters.sam.libraries import need
from samfit.adapters.sam.sizes import Attention, Sizes

if TYPE_CHECKING:
    from torch import Tensor, nn

    from samfit.adapters.sam.changes import ChangeOutput, Removable
    from samfit.adapters.sam.checkpoint.names import StateDict


@dataclass(frozen=True, kw_only=True)
class HuggingFaceBlock(Block):
    """A block of ``SamVisionEncoder``: Meta's, but its attention returns its output in a tuple."""

    @classmethod
    def of(cls, layer: Any) -> HuggingFaceBlock:
        """The view of transformers' ``SamVisionLayer``."""
        attention, mlp = layer.attn, layer.mlp
        return cls(
            whole=layer, norm1=layer.layer_norm1, attention=attention, qkv=attention.qkv,
            proj=attention.proj, norm2=layer.layer_norm2, mlp=mlp, lin1=mlp.lin1, lin2=mlp.lin2,
            heads=attention.num_attention_heads, window=layer.window_size,
        )  # fmt: skip

    def attention_branch(self, x: Tensor) -> tuple[Tensor, Tensor]:
        layer: Any = self.whole
        y = self.norm1(x)
        if self.window == 0:
            return x, self.attention(hidden_states=y)[0]
        y, padded = layer.window_partition(y, self.window)
        y = self.attention(hidden_states=y)[0]
        return x, layer.window_unpartition(y, self.window, padded, x.shape[1:3])

    def change_attention(self, change: ChangeOutput) -> Removable:
        def changed(_: nn.Module, args: Any, kwargs: Any, output: Any) -> Any:
            x = args[0] if args else kwargs["hidden_states"]
            attended, *weights = output
            return (change(x, attended), *weights)

        return self.attention.register_forward_hook(changed, with_kwargs=True)

    def replace_attention(self, attend: Any) -> Removable:
        return super().replace_attention(lambda hidden_states, **_: (attend(hidden_states), None))

    def attend_beside(self, x: Tensor, others: Tensor, kind: Attention) -> Tensor:
        from samfit.adapters.sam.attention import attend_biased, attend_eager, attention_beside

        attention: Any = self.attention
        attend = attend_biased if kind == "sdpa" else attend_eager
        return attention_beside(attention, x, others, attend)


def vits(prefix: str) -> dict[str, VitSizes]:
    """The sizes of Meta's SAMs, under the same names behind a ``prefix``."""
    return {f"{prefix}{name}": sizes for name, sizes in VITS.items()}


class HuggingFace(Backbone):
    """``transformers.SamModel``, another implementation of SAM (Kirillov et al., arXiv 2304.02643).

    The same function as segment-anything's, under other names, with two differences. Attention is a
    fused kernel unless told otherwise (``sdpa``), which is given the decomposed position terms as a
    bias: a tensor N x N for every head, as large as the logits that the kernel avoids. ``eager``
    makes the logits as well. And the layer norms of the mask decoder's transformer have eps 1e-6 in
    the models that Hugging Face publishes, and in those that ``build`` makes, where Meta's have
    1e-5: from the same weights the masks differ in the last digits. A model that is given keeps
    what its own configuration says.
    """

    title = "transformers' SamModel"
    sizes: ClassVar[dict[str, Sizes]] = {**vits("hf_")}
    model_class = "transformers.models.sam.modeling_sam.SamModel"
    attention = "sdpa"
    encoder_name = "vision_encoder"
    lacks: ClassVar[dict[Need, str]] = {
        Need.CLASSES: "its mask decoder gives one mask",
        Need.META_DECODER: "its mask decoder has transformers' own layers",
        Need.META_PROMPTS: "its prompt encoder has transformers' own layers",
    }
    kind: ClassVar[str] = "Sam"  # how the names of transformers' classes begin

    @classmethod
    def build(cls, name: str, image_size: int) -> nn.Module:
        transformers = need("transformers", "hf")
        config = cls.config(cls.sizes[name], image_size)
        model = getattr(transformers, f"{cls.kind}Model")(
            getattr(transformers, f"{cls.kind}Config")(**config)
        )
        cls.share_coordinates(model)
        return model

    @classmethod
    def share_coordinates(cls, model: Any) -> None:
        """One table of coordinates for prompts and image: before version 5 they are made apart."""
        model.prompt_encoder.shared_embedding = model.shared_image_embedding

    @classmethod
    def config(cls, sizes: Any, image_size: int) -> dict[str, dict[str, Any]]:
        """The keywords of transformers' configuration; what is not said is as it is published."""
        square = {"image_size": image_size, "patch_size": sizes.stride}
        return {
            "vision_config": cls.vision_config(sizes, image_size),
            "prompt_encoder_config": {**square, "hidden_size": sizes.embedding},
            "mask_decoder_config": {
                "hidden_size": sizes.embedding,
                "mlp_dim": sizes.decoder_mlp,
                "iou_head_hidden_dim": sizes.embedding,
            },
        }

    @classmethod
    def vision_config(cls, sizes: Any, image_size: int) -> dict[str, Any]:
        """Of these the image encoder's."""
        return {
            "image_size": image_size,
            "patch_size": sizes.stride,
            "hidden_size": sizes.width,
            "output_channels": sizes.embedding,
            "num_hidden_layers": sizes.depth,
            "num_attention_heads": sizes.heads,
            "window_size": sizes.window,
            "global_attn_indexes": [*sizes.global_blocks],
            "num_pos_feats": sizes.embedding // 2,
        }

    @classmethod
    def load(cls, model: nn.Module, path: Path, name: str) -> None:
        from samfit.adapters.sam.checkpoint.load import LOADED_FROM, fitted
        from samfit.adapters.sam.checkpoint.names import TIED, to_hugging_face, with_meta_names

        sizes, own = cls.sizes[name], model.state_dict()
        assert isinstance(sizes, VitSizes)
        state = fitted(cls.read(path, name), with_meta_names(own), path, sizes, name)
        theirs = {to_hugging_face(meta): tensor for meta, tensor in state.items()}
        if TIED in own:
            theirs[TIED] = theirs["shared_image_embedding.positional_embedding"]
        model.load_state_dict(theirs)
        setattr(model, LOADED_FROM, path.name)

    @classmethod
    def read(cls, path: Path, name: str) -> StateDict:
        """The weights in a file of either layout, under Meta's names.

        Raises:
            UserError: as ``read_checkpoint``.
        """
        from samfit.adapters.sam.checkpoint.load import read_checkpoint

        known = {each: sizes for each, sizes in cls.sizes.items() if isinstance(sizes, VitSizes)}
        return read_checkpoint(path, name, known)

    @property
    def every_block(self) -> list[Block]:
        return [HuggingFaceBlock.of(layer) for layer in getattr(self.image_encoder, "layers", ())]

    @property
    def patch_embed(self) -> nn.Module:
        return self.model.vision_encoder.patch_embed

    @property
    def patch_projection(self) -> nn.Conv2d:
        return self.model.vision_encoder.patch_embed.projection

    @property
    def neck(self) -> list[nn.Module]:
        return [*self.model.vision_encoder.neck.children()]

    @property
    def image_size(self) -> int:
        return self.prompt_encoder.input_image_size

    @property
    def embed_dim(self) -> int:
        return self.prompt_encoder.hidden_size

    @property
    def grid(self) -> tuple[int, int]:
        return self.prompt_encoder.image_embedding_size

    @property
    def coordinate_tables(self) -> list[tuple[nn.Module, str]]:
        tables = (self.model.shared_image_embedding, self.prompt_encoder.shared_embedding)
        return [(table, "positional_embedding") for table in tables]  # one parameter, twice

    @property
    def normalisation(self) -> tuple[list[float], list[float]]:
        from samfit.adapters.sam.checkpoint.load import NORMALISATION

        mean, std = (list(values) for values in NORMALISATION.values())
        return mean, std

    def weights(self) -> dict[str, Tensor]:
        from samfit.adapters.sam.checkpoint.names import TIED

        own = super().weights()
        if len({id(getattr(module, name)) for module, name in self.coordinate_tables}) == 1:
            own.pop(TIED, None)  # the same tensor again, which files cannot hold
        return own

    def preprocess(self, images: Tensor) -> Tensor:
        import torch

        of_channels = torch.tensor(self.normalisation, dtype=self.dtype, device=images.device)
        mean, std = of_channels.view(2, 3, 1, 1)
        return (images - mean) / std

    def encode(self, pixels: Tensor, encoder: nn.Module | None = None) -> Embedding:
        return Embedding((encoder or self.image_encoder)(pixels).last_hidden_state)

    def decode(self, embedding: Embedding, boxes: Tensor | None, points: Tensor | None) -> Tensor:
        from samfit.adapters.sam.precision import in_full_precision

        image, dtype = embedding.image, self.dtype
        with in_full_precision(image.device):  # in 16 bits coordinates would lose their place
            if points is not None:
                points = points.reshape(len(image), -1, *points.shape[-2:])
            sparse, dense = self.prompt_encoder(
                input_points=None if points is None else points[..., :2],
                input_labels=None if points is None else points[..., 2].long(),
                input_boxes=boxes,
                input_masks=None,
            )
            image_pe = self.model.get_image_wide_positional_embeddings().to(dtype)
        masks, *_ = self.mask_decoder(
            image_embeddings=image,
            image_positional_embeddings=image_pe.expand(len(image), -1, -1, -1),
            sparse_prompt_embeddings=None if sparse is None else sparse.to(dtype),
            dense_prompt_embeddings=dense,
            multimask_output=False,
            **self.more_for_decoder(embedding),
        )
        return masks.flatten(0, 1)

    def more_for_decoder(self, embedding: Embedding) -> dict[str, Any]:
        """What the mask decoder is told beside the embedding and the prompts."""
        return {}

    def attend_by(self, kind: Attention) -> Iterator[Removable]:
        from samfit.adapters.sam.changes import override

        module = import_module(self.model_class.rpartition(".")[0])
        middle = "Sdpa" if kind == "sdpa" else ""
        wanted = getattr(module, f"{self.kind}Vision{middle}Attention")
        for attention in (block.attention for block in self.every_block):
            if type(attention) is not wanted:
                yield override(attention, "forward", partial(wanted.forward, attention))

    def replace_mask_tokens(self, count: int, shared_hypernetwork: bool) -> Removable:
        return _MaskTokens(self.mask_decoder, count, shared_hypernetwork)


class _MaskTokens:
    """``MaskTokens``, and the number of them, which transformers' mask decoder keeps beside."""

    def __init__(self, decoder: Any, count: int, shared_hypernetwork: bool) -> None:
        from samfit.adapters.sam.decoding import MaskTokens

        self._decoder, self._fewer = decoder, decoder.mask_tokens.num_embeddings - count
        self._tokens = MaskTokens(decoder, count, shared_hypernetwork)
        decoder.num_mask_tokens -= self._fewer

    def remove(self) -> None:
        """Restore the tokens and their number."""
        self._tokens.remove()
        self._decoder.num_mask_tokens += self._fewer

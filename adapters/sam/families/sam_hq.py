"""SAM-HQ: SAM with a further mask token that sees features of an early block."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from samfit.adapters.sam.backbone import Embedding, Need
from samfit.adapters.sam.families.hugging_face import HuggingFace, vits
from samfit.adapters.sam.sizes import Sizes
from samfit.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor, nn

    from samfit.adapters.sam.checkpoint.names import StateDict

# The parts that SAM has not, as the official code and as transformers call them. Facts:
# mask_decoder_hq.py of SAM-HQ and transformers' modeling_sam_hq.py.
OFFICIAL_AND_HUGGING_FACE = tuple(
    (f"mask_decoder.{official}.", f"mask_decoder.{theirs}.")
    for official, theirs in (
        ("hf_token", "hq_token"),
        ("hf_mlp.layers.0", "hq_mask_mlp.proj_in"),
        ("hf_mlp.layers.1", "hq_mask_mlp.layers.0"),
        ("hf_mlp.layers.2", "hq_mask_mlp.proj_out"),
        ("compress_vit_feat.0", "compress_vit_conv1"),
        ("compress_vit_feat.1", "compress_vit_norm"),
        ("compress_vit_feat.3", "compress_vit_conv2"),
        ("embedding_encoder.0", "encoder_conv1"),
        ("embedding_encoder.1", "encoder_norm"),
        ("embedding_encoder.3", "encoder_conv2"),
        ("embedding_maskfeature.0", "mask_conv1"),
        ("embedding_maskfeature.1", "mask_norm"),
        ("embedding_maskfeature.3", "mask_conv2"),
    )
)
HQ_TOKEN = "mask_decoder.hq_token.weight"


class SamHQ(HuggingFace):
    """``transformers.SamHQModel`` (Ke et al., arXiv 2306.01567).

    The encoder is SAM's. The mask decoder has one mask token more, whose mask is read from features
    of its own: of the embedding, of the upscaled embedding, and of the tokens X (B, g, g, D) that
    leave the first block with global attention. The mask here is the sum of the logits of SAM's
    single mask and of that one, as the model gives it with ``multimask_output=False``. Trained is
    the whole mask decoder, as with any SAM; the official training leaves SAM's part of it frozen.

    What is upscaled are the image's tokens as they leave the decoder's transformer, as in the
    paper and its code. transformers (found in 4.56 and 5.24) upscales the embedding that went into
    it, and that with rows and columns exchanged: masks that its own ``forward`` gives are others.

    ``sam_hq_vit_tiny`` is a miniature for tests; the TinyViT of Light HQ-SAM is not among these.
    """

    title = "transformers' SamHQModel"
    sizes: ClassVar[dict[str, Sizes]] = {**vits("sam_hq_")}
    model_class = "transformers.models.sam_hq.modeling_sam_hq.SamHQModel"
    lacks: ClassVar[dict[Need, str]] = {
        **HuggingFace.lacks,
        Need.EMBEDDING_ALONE: "its mask decoder takes the tokens of an early block as well",
    }
    kind = "SamHQ"

    @classmethod
    def config(cls, sizes: Any, image_size: int) -> dict[str, dict[str, Any]]:
        config = super().config(sizes, image_size)
        config["mask_decoder_config"]["vit_dim"] = sizes.width
        return config

    @classmethod
    def read(cls, path: Path, name: str) -> StateDict:
        from samfit.adapters.sam.checkpoint.names import renamed

        state = super().read(path, name)
        state = {renamed(each, OFFICIAL_AND_HUGGING_FACE): t for each, t in state.items()}
        if HQ_TOKEN not in state:
            raise UserError(
                f"{path} is a SAM without the parts that SAM-HQ adds: give one of SAM-HQ's files, "
                f"such as {name}.pth, or use --backbone hf_{name.removeprefix('sam_hq_')}."
            )
        return state

    def encode(self, pixels: Tensor, encoder: nn.Module | None = None) -> Embedding:
        found = (encoder or self.image_encoder)(pixels)
        return Embedding(found.last_hidden_state, (found.intermediate_embeddings[0],))

    def decode(self, embedding: Embedding, boxes: Tensor | None, points: Tensor | None) -> Tensor:
        with _upscaling_what_comes_out(self.mask_decoder):
            return super().decode(embedding, boxes, points)

    def more_for_decoder(self, embedding: Embedding) -> dict[str, Any]:
        return {"hq_token_only": False, "intermediate_embeddings": [*embedding.beside]}


@contextmanager
def _upscaling_what_comes_out(decoder: Any) -> Iterator[None]:
    """Let ``decoder`` upscale the image's tokens (B, P, g·g, C) that its transformer gives."""
    from samfit.adapters.sam.changes import before

    came_out: list[Tensor] = []

    def keep(_: nn.Module, inputs: Any, output: Any) -> None:
        came_out.append(output[1])

    def give(embedding: Tensor) -> Tensor:
        return came_out.pop().transpose(2, 3).reshape(embedding.shape)

    handles = [decoder.transformer.register_forward_hook(keep), before(decoder.upscale_conv1, give)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()

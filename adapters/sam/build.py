"""Build a SAM of any size from the classes of the segment-anything package."""

from functools import partial
from pathlib import Path

import torch
from segment_anything.modeling import (
    ImageEncoderViT,
    MaskDecoder,
    PromptEncoder,
    Sam,
    TwoWayTransformer,
)

from samfit.adapters.sam.checkpoint.load import load_checkpoint
from samfit.adapters.sam.sizes import PATCH_SIZE, backbone_sizes


def build_sam(backbone: str, image_size: int = 0, checkpoint: Path | str | None = None) -> Sam:
    """Build a SAM in eval mode on the CPU.

    Args:
        backbone: ``vit_tiny``, ``vit_b``, ``vit_l`` or ``vit_h``.
        image_size: side of the input in pixels, a multiple of 16; 0 for the backbone's own.
        checkpoint: file with the weights; None leaves them random, from torch's generator.

    Raises:
        UserError: for an unknown backbone or a checkpoint that cannot be used.
    """
    sizes = backbone_sizes(backbone)
    side = image_size or sizes.image_size
    grid = (side // PATCH_SIZE, side // PATCH_SIZE)
    sam = Sam(
        image_encoder=ImageEncoderViT(
            img_size=side,
            patch_size=PATCH_SIZE,
            embed_dim=sizes.width,
            depth=sizes.depth,
            num_heads=sizes.heads,
            out_chans=sizes.embedding,
            norm_layer=partial(torch.nn.LayerNorm, eps=1e-6),
            use_rel_pos=True,
            window_size=sizes.window,
            global_attn_indexes=sizes.global_blocks,
        ),
        prompt_encoder=PromptEncoder(
            embed_dim=sizes.embedding,
            image_embedding_size=grid,
            input_image_size=(side, side),
            mask_in_chans=16,
        ),
        mask_decoder=MaskDecoder(
            transformer_dim=sizes.embedding,
            transformer=TwoWayTransformer(
                depth=2, embedding_dim=sizes.embedding, num_heads=8, mlp_dim=sizes.decoder_mlp
            ),
            iou_head_hidden_dim=sizes.embedding,
        ),
    )
    if checkpoint is not None:
        load_checkpoint(sam, Path(checkpoint), backbone)
    return sam.eval()

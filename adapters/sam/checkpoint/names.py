"""What Meta's code and Hugging Face's SamModel call the same tensors: one table, read both ways."""

import re
from collections.abc import Iterable, Mapping

from torch import Tensor

StateDict = dict[str, Tensor]

# Meta's name and Hugging Face's, up to where they are the same again; {} is a number. The first row
# that fits a name holds. Facts: segment_anything 1.0 and transformers' modeling_sam.py.
META_AND_HUGGING_FACE = (
    ("image_encoder.patch_embed.proj.", "vision_encoder.patch_embed.projection."),
    ("image_encoder.blocks.{}.norm1.", "vision_encoder.layers.{}.layer_norm1."),
    ("image_encoder.blocks.{}.norm2.", "vision_encoder.layers.{}.layer_norm2."),
    ("image_encoder.blocks.{}.", "vision_encoder.layers.{}."),
    ("image_encoder.neck.0.", "vision_encoder.neck.conv1."),
    ("image_encoder.neck.1.", "vision_encoder.neck.layer_norm1."),
    ("image_encoder.neck.2.", "vision_encoder.neck.conv2."),
    ("image_encoder.neck.3.", "vision_encoder.neck.layer_norm2."),
    ("image_encoder.", "vision_encoder."),
    (
        "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix",
        "shared_image_embedding.positional_embedding",
    ),
    ("prompt_encoder.point_embeddings.{}.", "prompt_encoder.point_embed.{}."),
    ("prompt_encoder.mask_downscaling.0.", "prompt_encoder.mask_embed.conv1."),
    ("prompt_encoder.mask_downscaling.1.", "prompt_encoder.mask_embed.layer_norm1."),
    ("prompt_encoder.mask_downscaling.3.", "prompt_encoder.mask_embed.conv2."),
    ("prompt_encoder.mask_downscaling.4.", "prompt_encoder.mask_embed.layer_norm2."),
    ("prompt_encoder.mask_downscaling.6.", "prompt_encoder.mask_embed.conv3."),
    (
        "mask_decoder.transformer.layers.{}.norm{}.",
        "mask_decoder.transformer.layers.{}.layer_norm{}.",
    ),
    (
        "mask_decoder.transformer.norm_final_attn.",
        "mask_decoder.transformer.layer_norm_final_attn.",
    ),
    ("mask_decoder.output_upscaling.0.", "mask_decoder.upscale_conv1."),
    ("mask_decoder.output_upscaling.1.", "mask_decoder.upscale_layer_norm."),
    ("mask_decoder.output_upscaling.3.", "mask_decoder.upscale_conv2."),
    (
        "mask_decoder.output_hypernetworks_mlps.{}.layers.0.",
        "mask_decoder.output_hypernetworks_mlps.{}.proj_in.",
    ),
    (
        "mask_decoder.output_hypernetworks_mlps.{}.layers.2.",
        "mask_decoder.output_hypernetworks_mlps.{}.proj_out.",
    ),
    (
        "mask_decoder.output_hypernetworks_mlps.{}.layers.1.",
        "mask_decoder.output_hypernetworks_mlps.{}.layers.0.",
    ),
    ("mask_decoder.iou_prediction_head.layers.0.", "mask_decoder.iou_prediction_head.proj_in."),
    ("mask_decoder.iou_prediction_head.layers.2.", "mask_decoder.iou_prediction_head.proj_out."),
    ("mask_decoder.iou_prediction_head.layers.1.", "mask_decoder.iou_prediction_head.layers.0."),
)  # fmt: skip

# A part of SAM with Hugging Face's names, by one that occurs in no other. Files with the encoder
# renamed and the decoder as Meta has it are about, too.
RENAMED_PARTS = {
    "vision_encoder.": "vision_encoder.",
    "shared_image_embedding.": "shared_image_embedding.",
    "prompt_encoder.": "prompt_encoder.point_embed.",
    "mask_decoder.": "mask_decoder.iou_prediction_head.proj_in.",
}
TIED = "prompt_encoder.shared_embedding.positional_embedding"  # again, under a second name


def to_hugging_face(name: str) -> str:
    """What Hugging Face's ``SamModel`` calls a tensor of Meta's."""
    return renamed(name, META_AND_HUGGING_FACE)


def to_meta(names: Iterable[str]) -> dict[str, str]:
    """Meta's name for each of the names in one file, whichever of the two each part has."""
    names = list(names)
    parts = [
        part for part, sign in RENAMED_PARTS.items() if any(name.startswith(sign) for name in names)
    ]
    rows = [
        (theirs, ours)
        for ours, theirs in META_AND_HUGGING_FACE
        if any(theirs.startswith(part) for part in parts)
    ]
    return {name: renamed(name, rows) for name in names if name != TIED or not parts}


def with_meta_names(state: Mapping[str, Tensor]) -> StateDict:
    """``state`` under Meta's names."""
    return {ours: state[name] for name, ours in to_meta(state).items()}


def renamed(name: str, rows: Iterable[tuple[str, str]]) -> str:
    """``name`` as the first of ``rows``, pairs of an old and a new beginning, that fits it says."""
    for old, new in rows:
        found = re.match(re.escape(old).replace(r"\{\}", r"(\d+)"), name)
        if found:
            return new.format(*found.groups()) + name[found.end() :]
    return name

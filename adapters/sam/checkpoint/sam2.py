"""Load the weights of a SAM 2, for images, from Meta's files or Hugging Face's."""

import warnings
from pathlib import Path
from typing import Any

from torch import nn

from samfit.adapters.sam.checkpoint.causes import cause_of_names
from samfit.adapters.sam.checkpoint.load import LOADED_FROM
from samfit.adapters.sam.checkpoint.names import StateDict, renamed
from samfit.adapters.sam.checkpoint.read import read_file
from samfit.adapters.sam.checkpoint.unwrap import unwrap
from samfit.errors import Remark, UserError

# Meta's name and Hugging Face's; {} is a number. The first row that fits a name holds. Facts: the
# official code of SAM 2 and transformers' modeling_sam2.py.
DECODER = (
    ("transformer.layers.{}.norm{}.", "transformer.layers.{}.layer_norm{}."),
    ("transformer.layers.{}.mlp.layers.0.", "transformer.layers.{}.mlp.proj_in."),
    ("transformer.layers.{}.mlp.layers.1.", "transformer.layers.{}.mlp.proj_out."),
    ("transformer.layers.{}.{}.out_proj.", "transformer.layers.{}.{}.o_proj."),
    ("transformer.norm_final_attn.", "transformer.layer_norm_final_attn."),
    (
        "transformer.final_attn_token_to_image.out_proj.",
        "transformer.final_attn_token_to_image.o_proj.",
    ),
    ("output_upscaling.0.", "upscale_conv1."),
    ("output_upscaling.1.", "upscale_layer_norm."),
    ("output_upscaling.3.", "upscale_conv2."),
    *(
        (f"{head}.layers.{theirs}.", f"{head}.{ours}.")
        for head in (
            "output_hypernetworks_mlps.{}", "iou_prediction_head", "pred_obj_score_head",
        )
        for theirs, ours in ((0, "proj_in"), (2, "proj_out"), (1, "layers.0"))
    ),
)  # fmt: skip
META_AND_HUGGING_FACE = (
    ("no_mem_embed", "no_memory_embedding"),
    ("image_encoder.trunk.patch_embed.proj.", "vision_encoder.backbone.patch_embed.projection."),
    *(
        (
            f"image_encoder.trunk.blocks.{{}}.{theirs}.",
            f"vision_encoder.backbone.blocks.{{}}.{ours}.",
        )
        for theirs, ours in (
            ("norm1", "layer_norm1"), ("norm2", "layer_norm2"),
            ("mlp.layers.0", "mlp.proj_in"), ("mlp.layers.1", "mlp.proj_out"),
        )
    ),
    ("image_encoder.trunk.", "vision_encoder.backbone."),
    ("image_encoder.neck.convs.{}.conv.", "vision_encoder.neck.convs.{}."),
    (
        "sam_prompt_encoder.pe_layer.positional_encoding_gaussian_matrix",
        "shared_image_embedding.positional_embedding",
    ),
    ("sam_prompt_encoder.mask_downscaling.0.", "prompt_encoder.mask_embed.conv1."),
    ("sam_prompt_encoder.mask_downscaling.1.", "prompt_encoder.mask_embed.layer_norm1."),
    ("sam_prompt_encoder.mask_downscaling.3.", "prompt_encoder.mask_embed.conv2."),
    ("sam_prompt_encoder.mask_downscaling.4.", "prompt_encoder.mask_embed.layer_norm2."),
    ("sam_prompt_encoder.mask_downscaling.6.", "prompt_encoder.mask_embed.conv3."),
    ("sam_prompt_encoder.", "prompt_encoder."),
    *((f"sam_mask_decoder.{theirs}", f"mask_decoder.{ours}") for theirs, ours in DECODER),
    ("sam_mask_decoder.", "mask_decoder."),
)  # fmt: skip
POINTS = "prompt_encoder.point_embeddings."  # Meta has a table of one row for each kind
ANCHORS = ("image_encoder.trunk.pos_embed", "vision_encoder.backbone.pos_embed")
TIED = "prompt_encoder.shared_embedding.positional_embedding"
# Of videos: what remembers earlier frames, and follows objects.
VIDEO = (
    "memory_attention.", "memory_encoder.", "mask_downsample.", "obj_ptr", "object_pointer_proj.",
    "temporal_positional_encoding_projection_layer.", "maskmem_tpos_enc", "no_mem_pos_enc",
    "no_obj_ptr", "no_obj_embed_spatial", "memory_temporal_positional_encoding",
    "no_memory_positional_encoding", "no_object_pointer", "occlusion_spatial_embedding_parameter",
)  # fmt: skip


def load_sam2(model: nn.Module, path: Path, backbone: str) -> None:
    """Load Meta's file (``sam2.1_hiera_base_plus.pt``) or Hugging Face's into a ``Sam2Model``.

    What these hold for videos is left out. Nothing in a file is executed.

    Raises:
        UserError: if the file cannot be read, is no SAM 2, or one of another size.
    """
    found = unwrap(read_file(path), ANCHORS)
    if not found.state:
        cause = cause_of_names(found.names) or "holds no image_encoder.trunk.pos_embed"
        raise UserError(
            f"{path} is not a checkpoint of SAM 2: it {cause}; {backbone} takes Meta's "
            f"{backbone}.pt or Hugging Face's facebook/{backbone.replace('_', '-')}."
        )
    state = to_hugging_face(found.state)
    wanted = model.state_dict()
    if TIED in wanted and "shared_image_embedding.positional_embedding" in state:
        state[TIED] = state["shared_image_embedding.positional_embedding"]
    if found.beside:
        warnings.warn(
            f"{path} holds more than a SAM 2: {len(found.beside)} tensors beside it are left out.",
            Remark,
            stacklevel=2,
        )
    _check(state, wanted, path, backbone)
    model.load_state_dict({name: state[name].float() for name in wanted})
    model.__dict__[LOADED_FROM] = path.name


def to_hugging_face(state: StateDict) -> StateDict:
    """``state`` of an image model under Hugging Face's names, whichever of the two it has."""
    named = {
        renamed(name, META_AND_HUGGING_FACE): tensor
        for name, tensor in state.items()
        if not name.startswith(VIDEO)
    }
    rows = [name for name in named if name.startswith(POINTS)]
    if rows:
        import torch

        ordered = sorted(rows, key=lambda name: int(name.removeprefix(POINTS).split(".")[0]))
        named["prompt_encoder.point_embed.weight"] = torch.cat([named.pop(n) for n in ordered])
    return named


def _check(state: StateDict, wanted: Any, path: Path, backbone: str) -> None:
    for name, tensor in wanted.items():
        if name in state and state[name].shape != tensor.shape:
            raise UserError(
                f"{path} does not fit {backbone}: {name} is {tuple(state[name].shape)}, not "
                f"{tuple(tensor.shape)}; choose the --backbone of its size."
            )
    for names, what in (
        ([name for name in wanted if name not in state], "lacks"),
        ([name for name in state if name not in wanted], "has, beyond SAM 2's for images,"),
    ):
        if names:
            raise UserError(
                f"{path} does not fit {backbone}: it {what} {len(names)} tensors ({names[0]} first)"
                "; choose the --backbone of its size."
            )

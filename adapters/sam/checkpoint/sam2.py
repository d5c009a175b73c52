"""Load the weights of a SAM 2, for images, from Meta's files or Hugging Face's."""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from samfit.adapters.sam.checkpoint.causes import cause_of_names
from samfit.adapters.sam.checkpoint.load import LOADED_FROM, several
from samfit.adapters.sam.checkpoint.names import TIED, StateDict, renamed
from samfit.adapters.sam.checkpoint.read import read_file
from samfit.adapters.sam.checkpoint.unwrap import ANCHORS, Found, unwrap
from samfit.adapters.sam.families.sam2 import HIERAS
from samfit.errors import Remark, UserError

ATTENTIONS = ("self_attn", "cross_attn_token_to_image", "cross_attn_image_to_token")
HEADS = ("output_hypernetworks_mlps.{}", "iou_prediction_head", "pred_obj_score_head")
# Meta's name and Hugging Face's, up to where they are the same again; {} is a number. The first row
# that fits a name holds. Facts: the official code of SAM 2 and transformers' modeling_sam2.py.
META_AND_HUGGING_FACE = (
    ("no_mem_embed", "no_memory_embedding"),
    ("image_encoder.trunk.patch_embed.proj.", "vision_encoder.backbone.patch_embed.projection."),
    *(
        (f"image_encoder.trunk.blocks.{{}}.{meta}.", f"vision_encoder.backbone.blocks.{{}}.{hf}.")
        for meta, hf in (
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
    *(
        (f"sam_prompt_encoder.mask_downscaling.{meta}.", f"prompt_encoder.mask_embed.{hf}.")
        for meta, hf in (
            (0, "conv1"), (1, "layer_norm1"), (3, "conv2"), (4, "layer_norm2"), (6, "conv3"),
        )
    ),
    ("sam_prompt_encoder.", "prompt_encoder."),
    *(
        (f"sam_mask_decoder.transformer.{meta}.", f"mask_decoder.transformer.{hf}.")
        for meta, hf in (
            ("layers.{}.norm{}", "layers.{}.layer_norm{}"),
            ("layers.{}.mlp.layers.0", "layers.{}.mlp.proj_in"),
            ("layers.{}.mlp.layers.1", "layers.{}.mlp.proj_out"),
            *((f"layers.{{}}.{a}.out_proj", f"layers.{{}}.{a}.o_proj") for a in ATTENTIONS),
            ("final_attn_token_to_image.out_proj", "final_attn_token_to_image.o_proj"),
            ("norm_final_attn", "layer_norm_final_attn"),
        )
    ),
    ("sam_mask_decoder.output_upscaling.0.", "mask_decoder.upscale_conv1."),
    ("sam_mask_decoder.output_upscaling.1.", "mask_decoder.upscale_layer_norm."),
    ("sam_mask_decoder.output_upscaling.3.", "mask_decoder.upscale_conv2."),
    *(
        (f"sam_mask_decoder.{head}.layers.{meta}.", f"mask_decoder.{head}.{hf}.")
        for head in HEADS
        for meta, hf in ((0, "proj_in"), (1, "layers.0"), (2, "proj_out"))
    ),
    ("sam_mask_decoder.", "mask_decoder."),
)  # fmt: skip
POSITIONS = ("image_encoder.trunk.pos_embed", "vision_encoder.backbone.pos_embed")
PARTS = (
    "image_encoder.trunk.",
    "vision_encoder.backbone.",
    "sam_mask_decoder.",
    "memory_attention.",
)
POINTS = "prompt_encoder.point_embeddings."  # of which Meta has one for each kind
# Of videos: what remembers earlier frames and follows objects.
OF_SAM_2_1 = (
    "obj_ptr_tpos_proj.", "temporal_positional_encoding_projection_layer.", "no_obj_embed_spatial",
    "occlusion_spatial_embedding_parameter",
)  # fmt: skip
VIDEO = (
    "memory_", "maskmem_tpos_enc", "mask_downsample.", "obj_ptr_proj.", "object_pointer_proj.",
    "no_mem_pos_enc", "no_memory_positional_encoding", "no_obj_ptr", "no_object_pointer",
    *OF_SAM_2_1,
)  # fmt: skip


def load_sam2(model: nn.Module, path: Path, backbone: str) -> None:
    """Load a checkpoint into ``model``, a ``Sam2Model``.

    Takes Meta's files (``sam2.1_hiera_base_plus.pt``), and Hugging Face's, files or folders, of
    ``Sam2Model`` and of ``Sam2VideoModel``, which is what ``facebook/sam2.1-hiera-base-plus`` is.
    What is for videos is left out. Nothing in a file is executed.

    Raises:
        UserError: if the file cannot be read, is no SAM 2, or one of another size or version.
    """
    found = unwrap(read_file(path), POSITIONS, with_hugging_face_names)
    if not found.state:
        raise UserError(f"{path} is not a checkpoint of SAM 2: it {_what_it_is(found)}.")
    _check_backbone(found.state, path, backbone)
    state = {name: t for name, t in found.state.items() if not name.startswith(VIDEO)}
    wanted = model.state_dict()
    state.setdefault(TIED, state.get("shared_image_embedding.positional_embedding", wanted[TIED]))
    if found.beside:
        warnings.warn(
            f"{path} holds more than a SAM 2, and {several(found.beside)} beside it left out.",
            Remark,
            stacklevel=2,
        )
    if reason := next(_misfits(state, wanted), None):
        raise UserError(f"{path} does not fit {backbone}: {reason}; give Meta's {backbone}.pt.")
    model.load_state_dict(state)
    setattr(model, LOADED_FROM, path.name)


def with_hugging_face_names(state: StateDict) -> StateDict:
    """``state`` under Hugging Face's names, whichever of the two it has."""
    named = {renamed(name, META_AND_HUGGING_FACE): t for name, t in state.items()}
    kinds = sorted(name for name in named if name.startswith(POINTS))
    if kinds:
        named["prompt_encoder.point_embed.weight"] = torch.cat([named.pop(kind) for kind in kinds])
    return named


def _what_it_is(found: Found) -> str:
    """As the end of a sentence."""
    if any(part in name for name in found.names for part in PARTS):
        return f"holds parts of one only, without {POSITIONS[0]}"
    if cause := cause_of_names(found.names):
        return cause
    if any(name.endswith(ANCHORS) for name in found.names):
        return "is one of SAM: choose --backbone vit_b, vit_l or vit_h"
    example = f"{found.names[0]!r}" if found.names else "no tensors"
    return f"holds {example}, not {POSITIONS[0]}: give a file such as sam2.1_hiera_base_plus.pt"


def _check_backbone(state: StateDict, path: Path, backbone: str) -> None:
    """Refuse another size, and SAM 2.1 for SAM 2 and the reverse, where the file tells."""
    version, _, name = backbone.partition("_")
    of_videos = {name for name in state if name.startswith(VIDEO)}
    if of_videos:
        version = "sam2.1" if any(n.startswith(OF_SAM_2_1) for n in of_videos) else "sam2"
    blocks = {n.split(".")[3] for n in state if n.startswith("vision_encoder.backbone.blocks.")}
    size = state[POSITIONS[1]].shape[1], len(blocks)
    sizes = {(hiera.width, sum(hiera.blocks)): each for each, hiera in HIERAS.items()}
    found = f"{version}_{sizes.get(size, name)}"
    if found != backbone:
        raise UserError(f"{path} is a checkpoint of {found}: use --backbone {found}.")


def _misfits(state: StateDict, wanted: Any) -> Iterator[str]:
    """What keeps ``state`` from being loaded, as parts of a sentence."""
    lacking = [name for name in wanted if name not in state]
    extra = [name for name in state if name not in wanted]
    for names, what in ((lacking, "lacks"), (extra, "has, beyond SAM 2's,")):
        if names:
            yield f"it {what} {several(names)}"
    for name, tensor in state.items():
        ours: Tensor = wanted[name]
        if tensor.shape != ours.shape:
            yield f"{name} is {tuple(tensor.shape)}, not {tuple(ours.shape)}"
        if not tensor.is_floating_point():
            yield f"it is quantised ({name} is {str(tensor.dtype).removeprefix('torch.')})"

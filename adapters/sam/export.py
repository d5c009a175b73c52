"""Write a SAM as other libraries read it: Meta's names, or Hugging Face's ``SamModel``."""

import json
from pathlib import Path
from typing import Any

from safetensors.torch import save
from segment_anything.modeling import Sam

from samfit.adapters.sam.checkpoint.load import NORMALISATION
from samfit.adapters.sam.checkpoint.names import to_hugging_face
from samfit.files import write_whole


def sam_config(sam: Sam) -> dict[str, Any]:
    """The sizes of ``sam`` as the keywords of transformers' ``SamConfig``.

    Its mask decoder's layer norms have Meta's eps, 1e-5; the models that Hugging Face publishes
    have 1e-6.
    """
    encoder, prompts, decoder = sam.image_encoder, sam.prompt_encoder, sam.mask_decoder
    block = encoder.blocks[0]
    width, (channels, _) = encoder.pos_embed.shape[-1], encoder.neck[0].weight.shape[:2]
    attended = [i for i, each in enumerate(encoder.blocks) if each.window_size == 0]
    side, patch = encoder.img_size, encoder.patch_embed.proj.kernel_size[0]
    transformer = decoder.transformer
    return {
        "vision_config": {
            "hidden_size": width,
            "output_channels": channels,
            "num_hidden_layers": len(encoder.blocks),
            "num_attention_heads": block.attn.num_heads,
            "image_size": side,
            "patch_size": patch,
            "hidden_act": "gelu",
            "layer_norm_eps": block.norm1.eps,
            "qkv_bias": block.attn.qkv.bias is not None,
            "mlp_ratio": block.mlp.lin1.out_features / width,
            "mlp_dim": block.mlp.lin1.out_features,
            "use_abs_pos": True,
            "use_rel_pos": block.attn.use_rel_pos,
            "window_size": max(each.window_size for each in encoder.blocks),
            "global_attn_indexes": attended,
            "num_pos_feats": channels // 2,
        },
        "prompt_encoder_config": {
            "hidden_size": channels,
            "image_size": side,
            "patch_size": patch,
            "mask_input_channels": prompts.mask_downscaling[3].out_channels,
            "num_point_embeddings": prompts.num_point_embeddings,
            "hidden_act": "gelu",
        },
        "mask_decoder_config": {
            "hidden_size": channels,
            "hidden_act": "relu",
            "mlp_dim": transformer.layers[0].mlp.lin1.out_features,
            "num_hidden_layers": transformer.depth,
            "num_attention_heads": transformer.num_heads,
            "attention_downsample_rate": channels
            // transformer.final_attn_token_to_image.internal_dim,
            "num_multimask_outputs": decoder.num_multimask_outputs,
            "iou_head_depth": len(decoder.iou_prediction_head.layers),
            "iou_head_hidden_dim": decoder.iou_prediction_head.layers[0].out_features,
            "layer_norm_eps": transformer.layers[0].norm1.eps,
        },
    }


def processor_config(side: int) -> dict[str, Any]:
    """How transformers' ``SamProcessor`` prepares images for a SAM with inputs of ``side`` pixels.

    As Meta's ``SamPredictor`` does: the longer edge becomes ``side``, and the rest is padded.
    """
    mean, std = ([value / 255 for value in values] for values in NORMALISATION.values())
    masks = side // 4
    return {
        "image_processor_type": "SamImageProcessor",
        "processor_class": "SamProcessor",
        "do_convert_rgb": True,
        "do_resize": True,
        "do_rescale": True,
        "do_normalize": True,
        "do_pad": True,
        "size": {"longest_edge": side},
        "pad_size": {"height": side, "width": side},
        "mask_size": {"longest_edge": masks},
        "mask_pad_size": {"height": masks, "width": masks},
        "resample": 2,
        "rescale_factor": 1 / 255,
        "image_mean": mean,
        "image_std": std,
    }


def write_hugging_face(sam: Sam, folder: Path) -> None:
    """Write ``sam`` as a folder that ``SamModel.from_pretrained`` and ``SamProcessor`` read.

    Raises:
        OSError: if it cannot be written.
    """
    config = {"architectures": ["SamModel"], "model_type": "sam", **sam_config(sam)}
    state = sam.state_dict()
    tensors = {to_hugging_face(name): t.detach().contiguous() for name, t in state.items()}
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / "model.safetensors", save(tensors, {"format": "pt"}))
    write_json(folder / "config.json", config)
    write_json(folder / "preprocessor_config.json", processor_config(sam.image_encoder.img_size))


def write_json(path: Path, content: Any) -> None:
    """Write ``content`` as an indented JSON file."""
    write_whole(path, f"{json.dumps(content, indent=2)}\n".encode())
